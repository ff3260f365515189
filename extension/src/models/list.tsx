import React from 'react';

import type { IList } from '../panel/list';
import type { Tone } from '../panel/parts';
import { Ago, Badge, Facts, Snippet, Values } from '../panel/parts';
import { Row } from '../panel/row';
import type { ModelVersion } from '../records';
import { number } from '../text';

const GATES: Record<ModelVersion['gate'], { tone: Tone; words: string }> = {
  passed: { tone: 'good', words: 'passed its gate' },
  refused: { tone: 'bad', words: 'refused by its gate' },
  none: { tone: 'idle', words: 'not validated yet' }
};

function ModelRow({ record: model }: { record: ModelVersion }): JSX.Element {
  const ref = `${model.name}@${model.number}`;
  const gate = GATES[model.gate];
  return (
    <Row
      title={model.name}
      tone={gate.tone}
      status={gate.words}
      badges={
        <>
          <Badge tone="busy">{`v${model.number}`}</Badge>
          {model.aliases.map(alias => (
            <Badge key={alias} tone="good">
              {alias}
            </Badge>
          ))}
        </>
      }
      aside={<Ago time={model.created} />}
      summary={
        Object.entries(model.metrics)
          .sort()
          .slice(0, 3)
          .map(([name, value]) => `${name} ${number(value)}`)
          .join(' · ') || model.description
      }
    >
      {() => (
        <>
          <Snippet code={`import mlnb\nmodel = mlnb.models.load("${ref}")`} />
          <Facts
            facts={[
              ['about', model.description],
              ['gate', gate.words],
              ['flavor', model.flavor],
              ['trained on', model.data.join(', ')],
              ['run', model.run?.slice(0, 8)],
              ['author', model.author],
              ['digest', model.digest.slice(0, 16)]
            ]}
          />
          <Values
            title="Metrics"
            values={Object.fromEntries(
              Object.entries(model.metrics).map(([k, v]) => [k, number(v)])
            )}
          />
          <Values
            title="Inputs"
            values={Object.fromEntries(
              model.inputs.map(column => [column.name, column.type])
            )}
          />
        </>
      )}
    </Row>
  );
}

export const models: IList<'models'> = {
  id: 'models',
  title: 'Models',
  empty: {
    text: 'Register a fitted model, with an example of its input:',
    code: '%model register model my-model --example X'
  },
  key: model => `${model.name}@${model.number}`,
  words: model => [
    model.name,
    model.description,
    model.flavor,
    `gate ${model.gate}`,
    ...model.aliases,
    ...model.data
  ],
  Row: ModelRow
};
