/** The card of a tracked run. */

import React from 'react';

import { toneOf } from '../panel/status';
import type { RunRecord } from '../records';
import { duration, number } from '../text';
import { trans } from '../translation';
import { Card, Failure, Figures, Folded, More, Pairs, Part } from './card';
import { moment } from './moment';

const TILES = 8;
/** More parameters than these are folded away. */
const OPEN = 24;

export function RunCard({ record: run }: { record: RunRecord }): JSX.Element {
  const metrics = Object.entries(run.metrics).sort(([a], [b]) =>
    a.localeCompare(b)
  );
  const others = Object.fromEntries(
    metrics.slice(TILES).map(([name, value]) => [name, number(value)])
  );
  return (
    <Card
      kind={trans.__('Run')}
      title={run.name}
      tone={toneOf(run.status)}
      status={run.status.toLowerCase()}
      document={['run', run.id]}
      facts={[
        [trans.__('experiment'), run.experiment],
        [trans.__('started'), moment(run.started)],
        [trans.__('took'), run.ended && duration(run.started, run.ended)],
        [trans.__('author'), run.author],
        [trans.__('run'), run.id.slice(0, 8)]
      ]}
    >
      <Failure text={run.error} />
      <Figures
        figures={metrics
          .slice(0, TILES)
          .map(([name, value]) => [name, number(value)])}
      />
      {metrics.length > TILES && (
        <Folded title={trans.__('%1 more metrics', metrics.length - TILES)}>
          <Pairs pairs={others} />
        </Folded>
      )}
      <More place="metrics" shown={metrics.length} />
      <Params params={run.params} />
      <Origin run={run} />
    </Card>
  );
}

function Params({
  params
}: {
  params: RunRecord['params'];
}): JSX.Element | null {
  const amount = Object.keys(params).length;
  const pairs = (
    <>
      <Pairs pairs={params} />
      <More place="params" shown={amount} />
    </>
  );
  if (amount > OPEN) {
    return <Folded title={trans.__('%1 parameters', amount)}>{pairs}</Folded>;
  }
  return amount ? <Part title={trans.__('Parameters')}>{pairs}</Part> : null;
}

/** Where it comes from and what it left. */
function Origin({ run }: { run: RunRecord }): JSX.Element | null {
  const commit = run.git_commit.slice(0, 12);
  const pairs = Object.entries({
    [trans.__('notebook')]: run.notebook,
    [trans.__('commit')]:
      commit && run.git_dirty
        ? trans.__('%1 and uncommitted changes', commit)
        : commit,
    [trans.__('data read')]: run.inputs.join(', '),
    [trans.__('written')]: run.outputs.join(', '),
    ...run.tags
  }).filter(([, value]) => value);
  return pairs.length ? (
    <Part title={trans.__('Origin')}>
      <Pairs pairs={Object.fromEntries(pairs)} />
    </Part>
  ) : null;
}
