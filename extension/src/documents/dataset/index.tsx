/** A dataset: a version and what it holds, all versions, and what changed between two. */

import React, { useEffect, useState } from 'react';

import { datasetIcon } from '../../icons';
import { Ago, Badge, Facts } from '../../panel/parts';
import type { DatasetDocument } from '../../records';
import { count, number, size } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import type { IDocumentKind } from '../kinds';
import { Card, Frame, Waiting } from '../parts/frame';
import { DatasetActions } from './actions';
import type { IPair } from './difference';
import { Difference } from './difference';
import { Folder } from './files';
import { Profile } from './profile';
import { Versions } from './versions';

function Document({ id }: { id: string }): JSX.Element {
  const { setTitle } = useDocument();
  const [name = '', first = 'latest'] = id.split('@');
  const [version, setVersion] = useState(first);
  const [pair, setPair] = useState<IPair | null>(null);
  const { data, problem } = useAnswer(
    'GET /datasets/{dataset}',
    { dataset: name, version },
    { sections: ['datasets'] }
  );
  const [last, setLast] = useState<DatasetDocument | null>(null);
  useEffect(() => {
    if (data) {
      setLast(data); // stays while another version is asked for
    }
  }, [data]);
  const found = data ?? last;
  const shown = found?.version.number;
  useEffect(() => {
    if (shown !== undefined) {
      setTitle(version === 'latest' ? name : `${name}@${shown}`);
    }
  }, [name, setTitle, shown, version]);
  if (!found) {
    return <Waiting problem={problem} />;
  }
  return (
    <Frame
      kind={KINDS()[found.version.kind]}
      title={`${found.version.name}@${found.version.number}`}
      badges={found.version.tags.map(tag => (
        <Badge key={tag}>{tag}</Badge>
      ))}
      summary={<Summary found={found} />}
      actions={<DatasetActions found={found} />}
      problem={problem}
    >
      <Versions
        dataset={name}
        shown={found.version.number}
        onShow={one => setVersion(String(one))}
        onCompare={one => setPair(inOrder(one, found.version.number))}
      />
      {pair && <Difference dataset={name} pair={pair} onPair={setPair} />}
      <Profile found={found} />
      {found.folder && <Folder folder={found.folder} />}
      <About found={found} />
      {!pair && <Difference dataset={name} pair={null} onPair={setPair} />}
    </Frame>
  );
}

function inOrder(one: number, other: number): IPair {
  const [before, after] = one < other ? [one, other] : [other, one];
  return { before: String(before), after: String(after) };
}

function KINDS(): { [kind in DatasetDocument['version']['kind']]: string } {
  return {
    table: trans.__('Dataset'),
    files: trans.__('Dataset of files'),
    link: trans.__('Linked dataset')
  };
}

function Summary({ found }: { found: DatasetDocument }): JSX.Element {
  const { version, folder } = found;
  const parts: React.ReactNode[] = [
    folder
      ? count(folder.files, 'file')
      : `${count(version.rows, 'row')} × ${count(found.columns_total, 'column')}`,
    size(folder ? folder.size : version.bytes),
    version.author,
    <Ago key="ago" time={version.created} />,
    version.number !== found.newest &&
      trans.__('the newest is %1', `${version.name}@${found.newest}`)
  ].filter(Boolean);
  return (
    <>
      {version.message && <p className="mlnb-Message">{version.message}</p>}
      <ul className="mlnb-Parts">
        {parts.map((part, at) => (
          <li key={at}>{part}</li>
        ))}
      </ul>
    </>
  );
}

function About({ found }: { found: DatasetDocument }): JSX.Element {
  const { open } = useDocument();
  const { version, folder, source } = found;
  return (
    <Card title={trans.__('About this version')} wide={!folder}>
      <Facts
        facts={[
          [trans.__('digest'), version.digest],
          [
            trans.__('parent'),
            version.parent && `${version.name}@${version.parent}`
          ],
          [
            trans.__('saved by run'),
            version.run && (
              <button
                type="button"
                className="mlnb-Link"
                onClick={() => open('run', version.run ?? '')}
              >
                {version.run.slice(0, 12)}
              </button>
            )
          ],
          [trans.__('stored'), folder ? '' : size(version.bytes)],
          [
            trans.__('links'),
            folder && folder.links ? number(folder.links) : ''
          ],
          [
            trans.__('folders'),
            folder && folder.folders ? number(folder.folders) : ''
          ],
          ...Object.entries(source)
        ].map(([label, value]) => [label as string, value || ''])}
      />
      {found.notes.length > 0 && (
        <ul className="mlnb-Notes">
          {found.notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </Card>
  );
}

export const dataset: IDocumentKind = {
  kind: 'dataset',
  icon: datasetIcon,
  title: id => id,
  Component: Document
};
