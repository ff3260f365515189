/** Which part of a graph is seen, and how large: arithmetic without a browser. */

import type { IBox, IPoint } from './graph-layout';

/** A point `p` of the graph is seen at `p * scale + (x, y)`. */
export interface IView extends IPoint {
  scale: number;
}

export interface ISize {
  width: number;
  height: number;
}

export const SMALLEST = 0.1;
export const LARGEST = 2;
/** Below this, titles cannot be read: a large graph begins at a part of it instead. */
export const READABLE = 0.55;
const KEPT_VISIBLE = 48;

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** See all of it, never enlarged. */
export function fitted(content: ISize, frame: ISize): IView {
  if (!content.width || !frame.width) {
    return { x: 0, y: 0, scale: 1 };
  }
  const scale = clamp(
    Math.min(frame.width / content.width, frame.height / content.height),
    SMALLEST,
    1
  );
  return {
    scale,
    x: (frame.width - content.width * scale) / 2,
    y: (frame.height - content.height * scale) / 2
  };
}

/** What to begin with: all of it where that can be read, else the surroundings of a node. */
export function first(
  content: ISize,
  frame: ISize,
  centre: IBox | undefined
): IView {
  const all = fitted(content, frame);
  if (all.scale >= READABLE) {
    return all;
  }
  const scale = centre ? 0.8 : READABLE;
  const { x, y, width, height } = centre ?? { x: 0, y: 0, width: 0, height: 0 };
  return {
    scale,
    x: filled((x + width / 2) * scale, content.width * scale, frame.width),
    y: filled((y + height / 2) * scale, content.height * scale, frame.height)
  };
}

/** Where content begins, so that a point of it is in the middle and no room is left empty. */
function filled(point: number, content: number, frame: number): number {
  return content <= frame
    ? (frame - content) / 2
    : clamp(frame / 2 - point, frame - content, 0);
}

/** Change the scale so that one point of the frame stays where it is. */
export function zoomed(view: IView, factor: number, at: IPoint): IView {
  const scale = clamp(view.scale * factor, SMALLEST, LARGEST);
  const change = scale / view.scale;
  return {
    scale,
    x: at.x - (at.x - view.x) * change,
    y: at.y - (at.y - view.y) * change
  };
}

/** Keep some of the content in the frame. */
export function within(view: IView, content: ISize, frame: ISize): IView {
  const width = content.width * view.scale;
  const height = content.height * view.scale;
  return {
    scale: view.scale,
    x: clamp(view.x, KEPT_VISIBLE - width, frame.width - KEPT_VISIBLE),
    y: clamp(view.y, KEPT_VISIBLE - height, frame.height - KEPT_VISIBLE)
  };
}

/** Move as little as needed for a node to be seen whole. */
export function revealing(view: IView, box: IBox, frame: ISize): IView {
  const margin = 12;
  const move = (start: number, length: number, room: number): number => {
    if (start < margin) {
      return margin - start;
    }
    const over = start + length - (room - margin);
    return over > 0 ? -Math.min(over, start - margin) : 0;
  };
  const { scale } = view;
  return {
    scale,
    x: view.x + move(box.x * scale + view.x, box.width * scale, frame.width),
    y: view.y + move(box.y * scale + view.y, box.height * scale, frame.height)
  };
}
