/** The card of a model version. */

import React from 'react';

import type { Tone } from '../panel/parts';
import type { ModelVersion } from '../records';
import { number } from '../text';
import { trans } from '../translation';
import { Card, Figures, Folded, More, Pairs } from './card';
import { moment } from './moment';

const TONES: Record<ModelVersion['gate'], Tone> = {
  passed: 'good',
  refused: 'bad',
  none: 'idle'
};

export function ModelCard({
  record: version
}: {
  record: ModelVersion;
}): JSX.Element {
  const inputs = version.inputs.length;
  return (
    <Card
      kind={trans.__('Model')}
      title={`${version.name}@${version.number}`}
      tone={TONES[version.gate] ?? 'idle'}
      status={
        version.gate === 'none'
          ? trans.__('not validated')
          : trans.__('gate %1', version.gate)
      }
      document={['model', `${version.name}@${version.number}`]}
      facts={[
        [trans.__('aliases'), version.aliases.join(', ')],
        [trans.__('trained on'), version.data.join(', ')],
        [trans.__('author'), version.author],
        [trans.__('registered'), moment(version.created)],
        [trans.__('run'), version.run?.slice(0, 8)]
      ]}
    >
      {version.description && <p>{version.description}</p>}
      <Figures
        figures={Object.entries(version.metrics).map(([name, value]) => [
          name,
          number(value)
        ])}
      />
      {inputs > 0 && (
        <Folded title={trans.__('%1 inputs', number(inputs))}>
          <Pairs
            pairs={Object.fromEntries(
              version.inputs.map(input => [input.name, input.type])
            )}
          />
          <More place="inputs" shown={inputs} />
        </Folded>
      )}
    </Card>
  );
}
