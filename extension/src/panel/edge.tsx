/** The edge between two sections: dragged, or moved by the arrow keys. */

import React from 'react';

import { trans } from '../translation';
import type { Section } from '../tokens';
import { useSide } from './side';

/** Pixels that an arrow key moves the edge by. */
const STEP = 24;
/** Pixels that a section keeps: its heading and a row. */
const LEAST = 78;

export interface IEdgeProps {
  /** The open section above, and the one below. */
  above: Section;
  below: Section;
  title: string;
}

export function Edge({ above, below, title }: IEdgeProps): JSX.Element {
  const { layout } = useSide();
  const move = (node: HTMLElement, by: number): void => {
    const heights = openHeights(node);
    const one = heights[above];
    const other = heights[below];
    if (one === undefined || other === undefined) {
      return;
    }
    const moved = Math.max(LEAST - one, Math.min(by, other - LEAST));
    layout.setShares({
      ...heights,
      [above]: one + moved,
      [below]: other - moved
    });
  };
  const onPointerDown = (event: React.PointerEvent<HTMLElement>): void => {
    const node = event.currentTarget;
    let from = event.clientY;
    node.setPointerCapture(event.pointerId);
    node.onpointermove = moved => {
      move(node, moved.clientY - from);
      from = moved.clientY;
    };
    node.onlostpointercapture = () => {
      node.onpointermove = null;
    };
  };
  return (
    <div
      className="mlnb-Edge"
      role="separator"
      tabIndex={0}
      aria-orientation="horizontal"
      aria-label={trans.__('Height of %1', title)}
      aria-valuenow={Math.round(layout.share(above))}
      onPointerDown={onPointerDown}
      onKeyDown={event => {
        const by = { ArrowUp: -STEP, ArrowDown: STEP }[event.key];
        if (by) {
          event.preventDefault();
          event.stopPropagation();
          move(event.currentTarget, by);
        }
      }}
    />
  );
}

/** The heights of all open sections as they are now. */
function openHeights(node: HTMLElement): { [section: string]: number } {
  const all =
    node
      .closest('.mlnb-Sections')
      ?.querySelectorAll<HTMLElement>('[data-mlnb-section].mlnb-mod-open') ??
    [];
  return Object.fromEntries(
    [...all].map(section => [
      section.dataset.mlnbSection ?? '',
      section.getBoundingClientRect().height
    ])
  );
}
