/** All versions of a dataset: however many, only those that are seen are drawn. */

import { useVirtualizer } from '@tanstack/react-virtual';
import React, { useRef } from 'react';

import { Ago, Badge, ProblemBox } from '../../panel/parts';
import type { VersionLine } from '../../records';
import { count, number, size } from '../../text';
import { trans } from '../../translation';
import { Card } from '../parts/frame';
import { useVersions } from './paging';

const ROW = 52;
const TALLEST = 364;

export function Versions({
  dataset,
  shown,
  onShow,
  onCompare
}: {
  dataset: string;
  /** The version that the document shows. */
  shown: number;
  onShow: (number: number) => void;
  /** Compare a version with the one that is shown. */
  onCompare: (number: number) => void;
}): JSX.Element {
  const { lines, total, damaged, problem, need } = useVersions(dataset);
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: Math.max(total, lines.length),
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 8
  });
  const items = virtual.getVirtualItems();
  need(items[items.length - 1]?.index ?? 0);
  return (
    <Card title={trans.__('Versions (%1)', number(total))} wide>
      {problem && <ProblemBox problem={problem} />}
      {damaged.map(one => (
        <p key={one.number} className="mlnb-Error">
          {trans.__(
            'Version %1 cannot be read: %2',
            String(one.number),
            one.problem
          )}
        </p>
      ))}
      <div
        ref={box}
        className="mlnb-Versions"
        style={{ height: Math.min(TALLEST, ROW * total || ROW) }}
        tabIndex={0}
        role="region"
        aria-label={trans.__('Versions')}
      >
        <ul style={{ height: virtual.getTotalSize() }}>
          {items.map(item => {
            const line = lines[item.index];
            return (
              <li
                key={item.key}
                style={{
                  height: ROW,
                  transform: `translateY(${item.start}px)`
                }}
                aria-setsize={total}
                aria-posinset={item.index + 1}
              >
                {line && (
                  <Line
                    line={line}
                    current={line.number === shown}
                    onShow={onShow}
                    onCompare={onCompare}
                  />
                )}
              </li>
            );
          })}
        </ul>
      </div>
    </Card>
  );
}

function Line({
  line,
  current,
  onShow,
  onCompare
}: {
  line: VersionLine;
  current: boolean;
  onShow: (number: number) => void;
  onCompare: (number: number) => void;
}): JSX.Element {
  const noun = line.kind === 'files' ? 'file' : 'row';
  return (
    <div className={`mlnb-Version${current ? ' mlnb-mod-current' : ''}`}>
      <button
        type="button"
        className="mlnb-Version-main"
        aria-current={current}
        onClick={() => onShow(line.number)}
      >
        <span className="mlnb-Version-head">
          <b>{`v${line.number}`}</b>
          {line.tags.map(tag => (
            <Badge key={tag}>{tag}</Badge>
          ))}
          <span className="mlnb-Version-message" title={line.message}>
            {line.message || trans.__('(no message)')}
          </span>
        </span>
        <span className="mlnb-Version-facts">
          {[
            count(line.rows, noun),
            ...(line.kind === 'files'
              ? []
              : [count(line.columns, 'column'), size(line.bytes)]),
            line.author
          ].join(' · ')}
          {' · '}
          <Ago time={line.created} />
        </span>
      </button>
      {!current && (
        <button
          type="button"
          className="mlnb-Link"
          onClick={() => onCompare(line.number)}
        >
          {trans.__('compare')}
        </button>
      )}
    </div>
  );
}
