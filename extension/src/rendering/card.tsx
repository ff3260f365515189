/** What all cards share: the frame, headings, figures, tables, and how much was left out. */

import React from 'react';

import type { Tone } from '../panel/parts';
import { Dot } from '../panel/parts';
import { number } from '../text';
import { trans } from '../translation';
import { useCard } from './context';

export interface ICardProps {
  /** What kind of thing it is: "Run". */
  kind: string;
  title: string;
  tone?: Tone;
  /** The status in words. */
  status?: string;
  /** What can be opened for more: a kind of document and its key. */
  document?: [kind: string, id: string];
  /** Small facts in a line below the title; those that are empty are left out. */
  facts?: [label: string, value: React.ReactNode][];
  children?: React.ReactNode;
}

/** One result. */
export function Card(props: ICardProps): JSX.Element {
  const { open } = useCard();
  const { document: target } = props;
  const facts = (props.facts ?? []).filter(([, value]) => isShown(value));
  return (
    <article
      className="mlnb-Result"
      aria-label={`${props.kind} ${shortened(props.title, 80)}`}
    >
      <header>
        {props.tone && <Dot tone={props.tone} label={props.status ?? ''} />}
        <span className="mlnb-Result-kind">{props.kind}</span>
        <strong title={props.title}>{props.title}</strong>
        {props.status && (
          <span className={`mlnb-Result-status mlnb-mod-${props.tone}`}>
            {props.status}
          </span>
        )}
        {open && target && (
          <button
            type="button"
            className="mlnb-Result-open"
            onClick={() => open(...target)}
          >
            {trans.__('Open')}
          </button>
        )}
      </header>
      {facts.length > 0 && (
        <dl className="mlnb-Result-facts">
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {props.children}
    </article>
  );
}

function isShown(value: React.ReactNode): boolean {
  return (
    value !== '' && value !== null && value !== undefined && value !== false
  );
}

/** Text that is cut in the middle of nothing: its beginning, with a mark. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** A part of a card under a heading of its own. */
export function Part({
  title,
  aside,
  children
}: {
  title: string;
  aside?: React.ReactNode;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <section>
      <h4>
        {title}
        {aside && <span className="mlnb-Result-aside">{aside}</span>}
      </h4>
      {children}
    </section>
  );
}

/** A part that is closed at first. */
export function Folded({
  title,
  children
}: {
  title: string;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <details>
      <summary>{title}</summary>
      {children}
    </details>
  );
}

/** Big numbers with small labels. */
export function Figures({
  figures
}: {
  figures: [label: string, value: React.ReactNode, tone?: Tone][];
}): JSX.Element | null {
  return figures.length === 0 ? null : (
    <dl className="mlnb-Result-figures">
      {figures.map(([label, value, tone]) => (
        <div key={label} className={tone ? `mlnb-mod-${tone}` : ''}>
          <dt title={label}>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Names with values, as a list of pairs that flows. */
export function Pairs({
  pairs
}: {
  pairs: { [name: string]: string };
}): JSX.Element {
  return (
    <dl className="mlnb-Result-pairs">
      {Object.entries(pairs).map(([name, value]) => (
        <div key={name}>
          <dt title={name}>{name}</dt>
          <dd title={value}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface IColumn {
  label: string;
  /** Whether it holds numbers, which stand at the right. */
  number?: boolean;
}

/** Rows under columns. */
export function Grid({
  columns,
  children,
  label
}: {
  columns: IColumn[];
  children: React.ReactNode;
  label: string;
}): JSX.Element {
  return (
    <div
      className="mlnb-Result-scroll"
      tabIndex={0}
      role="group"
      aria-label={label}
    >
      <table>
        <thead>
          <tr>
            {columns.map(column => (
              <th
                key={column.label}
                scope="col"
                className={column.number ? 'mlnb-mod-number' : ''}
              >
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Says how much is not shown, if anything. */
export function More({
  place,
  shown
}: {
  place: string;
  shown: number;
}): JSX.Element | null {
  const { cut } = useCard();
  const more = (cut[place] ?? 0) - shown;
  return more > 0 ? (
    <p className="mlnb-Result-note">
      {trans.__('… and %1 more', number(more))}
    </p>
  ) : null;
}

/** Something worth knowing below the rest. */
export function Note({ children }: { children: React.ReactNode }): JSX.Element {
  return <p className="mlnb-Result-note">{children}</p>;
}

/** What went wrong. */
export function Failure({ text }: { text: string }): JSX.Element | null {
  return text ? <pre className="mlnb-Result-failure">{text}</pre> : null;
}
