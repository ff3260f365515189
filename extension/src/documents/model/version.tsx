/** One version of a model: what it is, where it came from, what its gate said. */

import React from 'react';

import { Facts, FileLink, ProblemBox, Snippet } from '../../panel/parts';
import type { ModelVersionDocument, Problem } from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { Card } from '../parts/frame';
import { Markdown } from '../parts/markdown';
import { RefLink } from '../parts/ref-link';
import { Releases } from './changes';
import { gateOf, refOf } from './gates';
import { Verdict } from './verdict';

export function Version({
  document,
  problem
}: {
  document: ModelVersionDocument | null;
  problem: Problem | null;
}): JSX.Element {
  if (!document) {
    return problem ? (
      <ProblemBox problem={problem} />
    ) : (
      <p className="mlnb-Empty" role="status">
        {trans.__('Reading…')}
      </p>
    );
  }
  const { version, verdicts } = document;
  return (
    <>
      <About document={document} />
      <div className="mlnb-Cards">
        <Metrics document={document} />
        <Signature document={document} />
        <Releases releases={document.releases} />
      </div>
      {verdicts.length > 0 ? (
        verdicts.map(result => <Verdict key={result.id} result={result} />)
      ) : (
        <Card title={trans.__('Gate')}>
          <p className="mlnb-Note">
            {trans.__('No suite has judged this version yet:')}
          </p>
          <Snippet
            code={`%validate suite.yaml --model ${refOf(version)} --data held-out`}
          />
        </Card>
      )}
      <Card wide title={trans.__('Model card')}>
        <Markdown text={document.card} />
      </Card>
    </>
  );
}

function About({ document }: { document: ModelVersionDocument }): JSX.Element {
  const { version, run } = document;
  return (
    <Card title={refOf(version)}>
      <Facts
        facts={[
          [trans.__('about'), version.description],
          [trans.__('gate'), gateOf(version).label],
          [trans.__('flavor'), version.flavor],
          [
            trans.__('trained on'),
            version.data.length > 0 && (
              <span className="mlnb-Links">
                {version.data.map(ref => (
                  <RefLink key={ref} kind="dataset" id={ref} />
                ))}
              </span>
            )
          ],
          [
            trans.__('run'),
            version.run && (
              <RefLink kind="run" id={version.run}>
                {run?.name || version.run.slice(0, 8)}
              </RefLink>
            )
          ],
          [
            trans.__('notebook'),
            run?.notebook && <FileLink path={run.notebook} />
          ],
          [trans.__('author'), version.author],
          [trans.__('registered'), new Date(version.created).toLocaleString()],
          [trans.__('digest'), version.digest.slice(0, 16)]
        ].map(([name, value]) => [name as string, value || ''])}
      />
      <Snippet
        code={`import mlnb\nmodel = mlnb.models.load("${refOf(version)}")`}
      />
    </Card>
  );
}

function Metrics({
  document
}: {
  document: ModelVersionDocument;
}): JSX.Element | null {
  const entries = Object.entries(document.version.metrics).sort();
  if (!entries.length) {
    return null;
  }
  return (
    <Card title={trans.__('Metrics')}>
      <dl className="mlnb-Facts mlnb-mod-code">
        {entries.map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{number(value)}</dd>
          </React.Fragment>
        ))}
      </dl>
    </Card>
  );
}

function Signature({
  document
}: {
  document: ModelVersionDocument;
}): JSX.Element {
  const { inputs } = document.version;
  return (
    <Card
      title={trans.__('Inputs')}
      aside={<span className="mlnb-Card-aside">{number(inputs.length)}</span>}
    >
      {inputs.length ? (
        <dl className="mlnb-Facts mlnb-mod-code mlnb-mod-bounded">
          {inputs.map(column => (
            <React.Fragment key={column.name}>
              <dt>{column.name}</dt>
              <dd>{column.type}</dd>
            </React.Fragment>
          ))}
        </dl>
      ) : (
        <p className="mlnb-Note">
          {trans.__('No signature: register it with an example of its input.')}
        </p>
      )}
    </Card>
  );
}
