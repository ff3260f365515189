/** One list with its heading: loading, empty, filtered or full. */

import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import React, { useId, useState } from 'react';

import type { Overview, Problem } from '../records';
import type { Section as SectionId } from '../tokens';
import { matches } from './filter';
import type { IList } from './list';
import { ProblemBox, Snippet } from './parts';

export interface ISectionProps<S extends SectionId> {
  list: IList<S>;
  records: Overview[S];
  problem: Problem | undefined;
  query: string;
}

export function Section<S extends SectionId>({
  list,
  records,
  problem,
  query
}: ISectionProps<S>): JSX.Element {
  const [open, setOpen] = useState(true);
  const body = useId();
  const all = records as Overview[S][number][];
  const shown = query
    ? all.filter(record => matches(query, list.words(record)))
    : all;
  const Caret = open ? caretDownIcon : caretRightIcon;
  const amount =
    shown.length === all.length
      ? `${all.length}`
      : `${shown.length} of ${all.length}`;
  return (
    <section className="mlnb-Section" data-mlnb-section={list.id}>
      <h3>
        <button
          type="button"
          data-mlnb-stop=""
          aria-expanded={open}
          aria-controls={body}
          onClick={() => setOpen(!open)}
        >
          <Caret.react tag="span" />
          <span>{list.title}</span>
          {all.length > 0 && <span className="mlnb-Count">{amount}</span>}
        </button>
      </h3>
      <div id={body} hidden={!open}>
        {problem && <ProblemBox problem={problem} />}
        {!problem && all.length === 0 && (
          <div className="mlnb-Empty">
            <p>{list.empty.text}</p>
            <Snippet code={list.empty.code} notebook={list.empty.notebook} />
          </div>
        )}
        {all.length > 0 && shown.length === 0 && (
          <p className="mlnb-Empty">Nothing here matches “{query}”.</p>
        )}
        <ul>
          {shown.map(record => (
            <list.Row key={list.key(record)} record={record} />
          ))}
        </ul>
      </div>
    </section>
  );
}
