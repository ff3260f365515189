/** The project's pipeline files, and the latest runs of all of them. */

import React from 'react';

import { Dot, Snippet } from '../../panel/parts';
import type { Definition } from '../../records';
import { count } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import { Card, Frame, Waiting } from '../parts/frame';
import { History } from './history';
import { stateOf } from './words';

export function PipelinesView(): JSX.Element {
  const { data, problem } = useAnswer(
    'GET /definitions',
    {},
    {
      sections: ['pipelines'],
      when: change => change.pipelines.length > 0,
      every: 10_000
    }
  );
  if (!data) {
    return <Waiting problem={problem} />;
  }
  return (
    <Frame
      kind={trans.__('Project')}
      title={trans.__('Pipelines')}
      summary={`${count(data.definitions.length, 'file')} · ${count(data.runs.length, 'latest run')}`}
      problem={problem}
    >
      <Card title={trans.__('Pipeline files')}>
        {data.definitions.length ? (
          <ul className="mlnb-Definitions">
            {data.definitions.map(item => (
              <DefinitionRow key={item.path} definition={item} />
            ))}
          </ul>
        ) : (
          <div className="mlnb-Empty">
            <p>
              {trans.__(
                'A pipeline is a file that names notebooks as steps. Write one:'
              )}
            </p>
            <Snippet
              notebook={false}
              code={
                'name: nightly\nsteps:\n  ingest: {notebook: ingest.ipynb}\n  train: {notebook: train.ipynb, needs: [ingest]}'
              }
            />
          </div>
        )}
      </Card>
      <Card title={trans.__('Latest runs')}>
        {data.runs.length ? (
          <History runs={data.runs} named />
        ) : (
          <p className="mlnb-Empty">{trans.__('Nothing has run yet.')}</p>
        )}
      </Card>
    </Frame>
  );
}

function DefinitionRow({
  definition
}: {
  definition: Definition;
}): JSX.Element {
  const { open } = useDocument();
  const { latest, problem } = definition;
  const state = problem
    ? { tone: 'bad' as const, label: trans.__('cannot run') }
    : latest
      ? stateOf(latest.status)
      : { tone: 'idle' as const, label: trans.__('has not run yet') };
  return (
    <li>
      <Dot {...state} />
      <div>
        <button
          type="button"
          className="mlnb-Link"
          onClick={() => open('pipeline', `file:${definition.path}`)}
        >
          {definition.name}
        </button>
        <p>
          {problem
            ? problem.message
            : [
                definition.path,
                count(definition.steps, 'step'),
                definition.schedule,
                definition.description
              ]
                .filter(Boolean)
                .join(' · ')}
        </p>
      </div>
      <span className="mlnb-PastRuns-time">{state.label}</span>
    </li>
  );
}
