/** The files of a run: figures as pictures, texts to read, the others by name and size. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import {
  Button,
  caretDownIcon,
  caretRightIcon,
  ReactWidget
} from '@jupyterlab/ui-components';
import React, { useId, useState } from 'react';

import { ProblemBox } from '../../panel/parts';
import type { RunFile } from '../../records';
import { size } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import { Search, has } from '../parts/fields';
import { Card } from '../parts/frame';

const IMAGE = /\.(png|jpe?g|gif|webp|svg)$/i;
/** What is shown elsewhere in the document. */
const KNOWN = /^(requirements\.txt|error\.txt)$/;
const FIRST = 30;
const PICTURES = 12;

/** The images; of one drawn in two formats the one that is quick to show. */
export function pictures(files: RunFile[]): RunFile[] {
  const paths = new Set(files.map(file => file.path));
  return files.filter(
    ({ path }) =>
      IMAGE.test(path) &&
      !(path.endsWith('.svg') && paths.has(path.replace(/svg$/, 'png')))
  );
}

export function Figures({
  run,
  files
}: {
  run: string;
  files: RunFile[];
}): JSX.Element | null {
  const [most, setMost] = useState(PICTURES);
  const found = pictures(files);
  if (!found.length) {
    return null;
  }
  return (
    <Card wide title={trans.__('Figures')}>
      <ul className="mlnb-Figures">
        {found.slice(0, most).map(file => (
          <li key={file.path}>
            <Picture run={run} path={file.path} />
          </li>
        ))}
      </ul>
      {found.length > most && (
        <Button minimal small onClick={() => setMost(most * 4)}>
          {trans.__('Show more (%1)', String(found.length - most))}
        </Button>
      )}
    </Card>
  );
}

function Picture({ run, path }: { run: string; path: string }): JSX.Element {
  const { api, folder } = useDocument();
  const [broken, setBroken] = useState(false);
  const source = api.url('GET /runs/{run}/image', { folder, run, path });
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.\w+$/, '');
  return (
    <button
      type="button"
      className="mlnb-Picture"
      title={trans.__('Enlarge %1', path)}
      disabled={broken}
      onClick={() => void enlarge(path, source)}
    >
      {broken ? (
        <span className="mlnb-Empty">{trans.__('It cannot be shown.')}</span>
      ) : (
        <img
          src={source}
          alt={name}
          loading="lazy"
          onError={() => setBroken(true)}
        />
      )}
      <span>{name}</span>
    </button>
  );
}

function enlarge(path: string, source: string): Promise<unknown> {
  const body = ReactWidget.create(
    <img className="mlnb-Enlarged" src={source} alt={path} />
  );
  return showDialog({
    title: path,
    body,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}

export function Files({
  run,
  files,
  more
}: {
  run: string;
  files: RunFile[];
  more: number;
}): JSX.Element | null {
  const [query, setQuery] = useState('');
  const [most, setMost] = useState(FIRST);
  const known = files.filter(file => !KNOWN.test(file.path));
  if (!known.length) {
    return null;
  }
  const fitting = known.filter(file => !query || has(query, file.path));
  const hidden = fitting.length - most;
  return (
    <Card
      title={trans.__('Files')}
      aside={
        known.length > 12 && (
          <Search
            label={trans.__('Filter files')}
            value={query}
            onChange={setQuery}
          />
        )
      }
    >
      <ul className="mlnb-Files">
        {fitting.slice(0, most).map(file => (
          <FileRow key={file.path} run={run} file={file} />
        ))}
      </ul>
      {hidden > 0 && (
        <Button minimal small onClick={() => setMost(most * 10)}>
          {trans.__('Show more (%1)', String(hidden))}
        </Button>
      )}
      {more > 0 && (
        <p className="mlnb-Empty">
          {trans.__('%1 more files are not listed.', more.toLocaleString('en'))}
        </p>
      )}
    </Card>
  );
}

function FileRow({ run, file }: { run: string; file: RunFile }): JSX.Element {
  const [open, setOpen] = useState(false);
  const body = useId();
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <li>
      <button
        type="button"
        className="mlnb-Line"
        aria-expanded={open}
        aria-controls={body}
        onClick={() => setOpen(!open)}
      >
        <Caret.react tag="span" />
        <span className="mlnb-Line-name" title={file.path}>
          {file.path}
        </span>
        <span className="mlnb-Line-aside">
          {file.size === null ? '' : size(file.size)}
        </span>
      </button>
      <div id={body} hidden={!open}>
        {open &&
          (IMAGE.test(file.path) ? (
            <Picture run={run} path={file.path} />
          ) : (
            <Text run={run} path={file.path} />
          ))}
      </div>
    </li>
  );
}

/** The beginning of a file, if it is text. */
export function Text({
  run,
  path
}: {
  run: string;
  path: string;
}): JSX.Element {
  const { data, problem } = useAnswer('GET /runs/{run}/text', { run, path });
  if (problem) {
    return <ProblemBox problem={problem} />;
  }
  if (!data) {
    return <p className="mlnb-Empty">{trans.__('Reading…')}</p>;
  }
  if (data.text === null) {
    return <p className="mlnb-Empty">{trans.__('This file is no text.')}</p>;
  }
  if (!data.text) {
    return <p className="mlnb-Empty">{trans.__('This file is empty.')}</p>;
  }
  return (
    <>
      <pre className="mlnb-Text" tabIndex={0} aria-label={path}>
        {data.text}
      </pre>
      {data.cut && (
        <p className="mlnb-Empty">
          {trans.__('This is the beginning of %1.', size(data.size))}
        </p>
      )}
    </>
  );
}
