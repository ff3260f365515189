/** What a line of a list shows: a dot, a title, something at the right, a summary below. */

import React from 'react';

import type { Tone } from './parts';
import { Dot } from './parts';

export interface ILineProps {
  title: string;
  tone: Tone;
  /** The status in words. */
  status: string;
  /** Beside the title. */
  badges?: React.ReactNode;
  /** At the right edge. */
  aside?: React.ReactNode;
  /** The line below the title. */
  summary?: React.ReactNode;
  /** At the lower edge. */
  below?: React.ReactNode;
}

export function Line(props: ILineProps): JSX.Element {
  return (
    <>
      <Dot tone={props.tone} label={props.status} />
      <span className="mlnb-Row-text">
        <span className="mlnb-Row-head">
          <span className="mlnb-Row-title" title={props.title}>
            {props.title}
          </span>
          {props.badges}
          <span className="mlnb-Row-aside">{props.aside}</span>
        </span>
        <span className="mlnb-Row-summary">{props.summary}</span>
      </span>
      {props.below}
    </>
  );
}
