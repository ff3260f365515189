/** Versions of folders: what is in one, and what changed between two. */

import React from 'react';

import type { FileChange, FolderDiff, FolderSummary } from '../../records';
import { number, size } from '../../text';
import { trans } from '../../translation';
import { Card } from '../parts/frame';
import { Counts } from './difference';
import { Wide } from './wide';

/** What a version of a folder holds. */
export function Folder({ folder }: { folder: FolderSummary }): JSX.Element {
  return (
    <>
      <Card title={trans.__('Kinds of files')}>
        <table className="mlnb-Grid">
          <thead>
            <tr>
              <th scope="col">{trans.__('suffix')}</th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('files')}
              </th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('size')}
              </th>
            </tr>
          </thead>
          <tbody>
            {folder.types.slice(0, 20).map(type => (
              <tr key={type.suffix}>
                <th scope="row">{type.suffix || trans.__('none')}</th>
                <td className="mlnb-mod-number">{number(type.files)}</td>
                <td className="mlnb-mod-number">{size(type.size)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Card>
      {folder.largest.length > 0 && (
        <Card title={trans.__('Largest files')}>
          <table className="mlnb-Grid">
            <tbody>
              {folder.largest.map(file => (
                <tr key={file.path}>
                  <th scope="row" title={file.path}>
                    {file.path}
                  </th>
                  <td className="mlnb-mod-number">{size(file.size)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
      )}
    </>
  );
}

/** What changed between two versions of a folder. */
export function Files({
  diff,
  more
}: {
  diff: FolderDiff;
  more: number;
}): JSX.Element {
  if (diff.identical) {
    return <p>{trans.__('Both have the same files.')}</p>;
  }
  const rows: [string, string, FileChange][] = [
    ...withKind('added', trans.__('added'), diff.added),
    ...withKind('removed', trans.__('removed'), diff.removed),
    ...withKind('changed', trans.__('changed'), diff.changed),
    ...withKind('renamed', trans.__('renamed'), diff.renamed)
  ];
  return (
    <>
      <Counts
        counts={[
          [trans.__('files added'), diff.added.length, 'added'],
          [trans.__('files removed'), diff.removed.length, 'removed'],
          [trans.__('files changed'), diff.changed.length, 'changed'],
          [trans.__('files renamed'), diff.renamed.length, 'changed'],
          [trans.__('files kept'), diff.kept, '']
        ]}
      />
      <Wide label={trans.__('Changed files')} tall>
        <table className="mlnb-Grid">
          <thead>
            <tr>
              <th scope="col">{trans.__('change')}</th>
              <th scope="col">{trans.__('file')}</th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('before')}
              </th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('after')}
              </th>
              <th scope="col">{trans.__('note')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([kind, word, file]) => (
              <tr key={`${kind} ${file.path}`} className={`mlnb-mod-${kind}`}>
                <td>{word}</td>
                <th scope="row" title={file.path}>
                  {file.path}
                </th>
                <td className="mlnb-mod-number">{sizeOf(file.size_before)}</td>
                <td className="mlnb-mod-number">{sizeOf(file.size_after)}</td>
                <td>
                  {[file.was && trans.__('was %1', file.was), file.note]
                    .filter(Boolean)
                    .join('; ')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {more > 0 && (
        <p className="mlnb-Empty">
          {trans.__('%1 more files are not listed.', number(more))}
        </p>
      )}
    </>
  );
}

function withKind(
  kind: string,
  word: string,
  files: FileChange[]
): [string, string, FileChange][] {
  return files.map(file => [kind, word, file]);
}

function sizeOf(bytes: number | null): string {
  return bytes === null ? '' : size(bytes);
}
