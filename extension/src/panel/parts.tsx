/** The small parts that every list uses. */

import {
  addIcon,
  copyIcon,
  errorIcon,
  type LabIcon
} from '@jupyterlab/ui-components';
import React from 'react';

import { browserPath } from '../paths';
import type { Problem } from '../records';
import { ago } from '../text';
import { useNow, usePanel } from './context';

export type Tone = 'good' | 'bad' | 'busy' | 'idle';

/** A coloured dot that says a status, to the eye and to a screen reader. */
export function Dot({
  tone,
  label
}: {
  tone: Tone;
  label: string;
}): JSX.Element {
  return (
    <span
      className={`mlnb-Dot mlnb-mod-${tone}`}
      role="img"
      aria-label={label}
      title={label}
    />
  );
}

/** How long ago something was; hover for the exact time. */
export function Ago({ time }: { time: string }): JSX.Element {
  const now = useNow(20_000);
  return (
    <time dateTime={time} title={new Date(time).toLocaleString()}>
      {ago(time, now)}
    </time>
  );
}

export function Badge({
  children,
  tone = 'idle'
}: {
  children: string;
  tone?: Tone;
}): JSX.Element {
  return <span className={`mlnb-Badge mlnb-mod-${tone}`}>{children}</span>;
}

export function IconButton({
  icon,
  label,
  onClick,
  className = '',
  menu = false
}: {
  icon: LabIcon;
  label: string;
  onClick: (event: React.MouseEvent<HTMLButtonElement>) => void;
  className?: string;
  /** Whether it opens a menu. */
  menu?: boolean;
}): JSX.Element {
  return (
    <button
      type="button"
      className={`mlnb-IconButton ${className}`.trim()}
      aria-label={label}
      aria-haspopup={menu ? 'menu' : undefined}
      title={label}
      onClick={onClick}
    >
      <icon.react tag="span" />
    </button>
  );
}

/** A piece of code, to copy or to put into the notebook. */
export function Snippet({
  code,
  notebook = true
}: {
  code: string;
  /** Whether it is for a notebook's cell (else for a terminal). */
  notebook?: boolean;
}): JSX.Element {
  const { actions } = usePanel();
  return (
    <div className="mlnb-Snippet">
      <pre>
        <code>{code}</code>
      </pre>
      {notebook && (
        <IconButton
          icon={addIcon}
          label="Insert into the notebook"
          onClick={() => actions.insert(code)}
        />
      )}
      <IconButton
        icon={copyIcon}
        label="Copy"
        onClick={() => actions.copy(code)}
      />
    </div>
  );
}

/** An error: what happened, and what to do. */
export function ProblemBox({ problem }: { problem: Problem }): JSX.Element {
  return (
    <div className="mlnb-Problem" role="alert">
      <errorIcon.react tag="span" className="mlnb-Problem-icon" />
      <div>
        <p>{problem.message}</p>
        {problem.fix && <p className="mlnb-Problem-fix">{problem.fix}</p>}
      </div>
    </div>
  );
}

/** Name and value, one per line; lines without a value are left out. */
export function Facts({
  facts
}: {
  facts: [string, React.ReactNode][];
}): JSX.Element {
  return (
    <dl className="mlnb-Facts">
      {facts
        .filter(
          ([, value]) => value !== '' && value !== null && value !== undefined
        )
        .map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
    </dl>
  );
}

/** Names with values, such as parameters or metrics. */
export function Values({
  title,
  values
}: {
  title: string;
  values: { [name: string]: string };
}): JSX.Element | null {
  const names = Object.keys(values).sort();
  if (!names.length) {
    return null;
  }
  return (
    <>
      <h4>{title}</h4>
      <dl className="mlnb-Facts mlnb-mod-code">
        {names.map(name => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{values[name]}</dd>
          </React.Fragment>
        ))}
      </dl>
    </>
  );
}

/** A file of the project: a link where the file browser can show it. */
export function FileLink({ path }: { path: string }): JSX.Element | null {
  const { actions, project } = usePanel();
  if (!path) {
    return null;
  }
  const target = browserPath(project, path);
  if (target === null) {
    return <span>{path}</span>;
  }
  return (
    <button
      type="button"
      className="mlnb-Link"
      onClick={() => actions.open(target)}
    >
      {path}
    </button>
  );
}
