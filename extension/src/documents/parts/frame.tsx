/** The frame that every document has: a head with what it is, cards below. */

import React, { useId } from 'react';

import type { Problem } from '../../records';
import { trans } from '../../translation';
import type { Tone } from '../../panel/parts';
import { Dot, ProblemBox } from '../../panel/parts';

export interface IFrameProps {
  title: string;
  /** What kind of thing it is, before the title. */
  kind: string;
  status?: { tone: Tone; label: string };
  /** Beside the title. */
  badges?: React.ReactNode;
  /** The line below the title. */
  summary?: React.ReactNode;
  /** Buttons at the right. */
  actions?: React.ReactNode;
  /** Why the latest question was not answered, if so. */
  problem?: Problem | null;
  children: React.ReactNode;
}

export function Frame(props: IFrameProps): JSX.Element {
  return (
    <article className="mlnb-Frame">
      <header className="mlnb-Frame-head">
        <div className="mlnb-Frame-words">
          <p className="mlnb-Frame-kind">{props.kind}</p>
          <h1>
            {props.status && <Dot {...props.status} />}
            <span className="mlnb-Frame-title" title={props.title}>
              {props.title}
            </span>
            {props.badges}
          </h1>
          {props.summary && (
            <div className="mlnb-Frame-summary">{props.summary}</div>
          )}
        </div>
        {props.actions && (
          <div
            className="mlnb-Frame-actions"
            role="group"
            aria-label={trans.__('Actions')}
          >
            {props.actions}
          </div>
        )}
      </header>
      {props.problem && <ProblemBox problem={props.problem} />}
      <div className="mlnb-Frame-body">{props.children}</div>
    </article>
  );
}

/** One subject of a document. */
export function Card({
  title,
  wide = false,
  aside,
  children
}: {
  title: string;
  /** Whether it takes the whole width. */
  wide?: boolean;
  /** At the right of the heading. */
  aside?: React.ReactNode;
  children: React.ReactNode;
}): JSX.Element {
  const heading = useId();
  return (
    <section
      className={`mlnb-Card${wide ? ' mlnb-mod-wide' : ''}`}
      aria-labelledby={heading}
    >
      <div className="mlnb-Card-head">
        <h2 id={heading}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Shown until the first answer is there, or instead of it. */
export function Waiting({ problem }: { problem: Problem | null }): JSX.Element {
  return (
    <div className="mlnb-Frame">
      {problem ? (
        <ProblemBox problem={problem} />
      ) : (
        <p className="mlnb-Empty" role="status">
          {trans.__('Reading…')}
        </p>
      )}
    </div>
  );
}
