import React from 'react';

import type { IList } from '../panel/list';
import type { Tone } from '../panel/parts';
import { Ago, Badge } from '../panel/parts';
import { Line } from '../panel/row';
import type { ModelSummary } from '../records';
import { number } from '../text';
import { trans } from '../translation';
import { entries } from './menu';

const TONES: Record<ModelSummary['gate'], Tone> = {
  passed: 'good',
  refused: 'bad',
  none: 'idle'
};

function gateWords(gate: ModelSummary['gate']): string {
  switch (gate) {
    case 'passed':
      return trans.__('passed its gate');
    case 'refused':
      return trans.__('refused by its gate');
    case 'none':
      return trans.__('not validated yet');
  }
}

function ModelRow({ row: model }: { row: ModelSummary }): JSX.Element {
  return (
    <Line
      title={model.name}
      tone={TONES[model.gate]}
      status={gateWords(model.gate)}
      badges={
        <>
          <Badge tone="busy">{`v${model.number}`}</Badge>
          {model.aliases.slice(0, 3).map(alias => (
            <Badge key={alias} tone="good">
              {alias}
            </Badge>
          ))}
        </>
      }
      aside={<Ago time={model.created} />}
      summary={
        Object.entries(model.metrics)
          .map(([name, value]) => `${name} ${number(value)}`)
          .join(' · ') || model.description
      }
    />
  );
}

export const models: IList<'models'> = {
  id: 'models',
  title: () => trans.__('Models'),
  empty: () => ({
    text: trans.__('Register a fitted model, with an example of its input:'),
    code: '%model register model my-model --example X'
  }),
  key: model => `${model.name}@${model.number}`,
  name: model => `${model.name}@${model.number}`,
  document: model => ({ kind: 'model', id: `${model.name}@${model.number}` }),
  orders: () => [
    { order: 'name', label: trans.__('Name') },
    { order: '-created', label: trans.__('Newest first') }
  ],
  entries,
  Row: ModelRow
};
