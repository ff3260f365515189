/** One line of a list, which opens to show the details. */

import { caretRightIcon } from '@jupyterlab/ui-components';
import React, { useId, useState } from 'react';

import type { Tone } from './parts';
import { Dot } from './parts';

export interface IRowProps {
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
  /** Always shown below the line. */
  below?: React.ReactNode;
  /** Shown when the line is opened. */
  children: () => React.ReactNode;
}

export function Row(props: IRowProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const details = useId();
  return (
    <li className="mlnb-Row">
      <button
        type="button"
        className="mlnb-Row-line"
        data-mlnb-stop=""
        aria-expanded={open}
        aria-controls={details}
        onClick={() => setOpen(!open)}
      >
        <Dot tone={props.tone} label={props.status} />
        <span className="mlnb-Row-text">
          <span className="mlnb-Row-head">
            <span className="mlnb-Row-title" title={props.title}>
              {props.title}
            </span>
            {props.badges}
            <span className="mlnb-Row-aside">{props.aside}</span>
          </span>
          {props.summary && (
            <span className="mlnb-Row-summary">{props.summary}</span>
          )}
        </span>
        <caretRightIcon.react tag="span" className="mlnb-Row-caret" />
      </button>
      {props.below}
      <div id={details} className="mlnb-Row-details" hidden={!open}>
        {open && props.children()}
      </div>
    </li>
  );
}
