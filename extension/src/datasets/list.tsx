import React from 'react';

import type { IList } from '../panel/list';
import { Ago, Badge, Facts, Snippet, Values } from '../panel/parts';
import { Row } from '../panel/row';
import type { DatasetVersion } from '../records';
import { count, number, size } from '../text';

function DatasetRow({
  record: version
}: {
  record: DatasetVersion;
}): JSX.Element {
  const ref = `${version.name}@${version.number}`;
  return (
    <Row
      title={version.name}
      tone="good"
      status={`version ${version.number}`}
      badges={
        <>
          <Badge tone="busy">{`v${version.number}`}</Badge>
          {version.tags.map(tag => (
            <Badge key={tag}>{tag}</Badge>
          ))}
        </>
      }
      aside={<Ago time={version.created} />}
      summary={[
        `${count(version.rows, 'row')} × ${number(version.columns.length)}`,
        version.message
      ]
        .filter(Boolean)
        .join(' · ')}
    >
      {() => (
        <>
          <Snippet
            code={`%dataset load ${ref} --into ${variable(version.name)}`}
          />
          <Facts
            facts={[
              ['message', version.message],
              ['size', size(version.bytes)],
              ['author', version.author],
              ['run', version.run?.slice(0, 8)],
              ['parent', version.parent && `${version.name}@${version.parent}`],
              ['digest', version.digest.slice(0, 16)]
            ]}
          />
          <Values
            title="Columns"
            values={Object.fromEntries(
              version.columns.map(column => [column.name, column.type])
            )}
          />
        </>
      )}
    </Row>
  );
}

/** A dataset's name as a Python name. */
function variable(name: string): string {
  const word = name.replace(/[^A-Za-z0-9_]/g, '_');
  return /^[0-9]/.test(word) ? `_${word}` : word;
}

export const datasets: IList<'datasets'> = {
  id: 'datasets',
  title: 'Datasets',
  empty: {
    text: 'Keep a data frame as a version that never changes:',
    code: '%dataset save df my-data -m "first version"'
  },
  key: version => version.name,
  words: version => [
    version.name,
    version.message,
    version.author,
    ...version.tags,
    ...version.columns.map(column => column.name)
  ],
  Row: DatasetRow
};
