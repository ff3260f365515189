/** The metrics of a run: a card with a curve for each that was logged again and again. */

import { Button } from '@jupyterlab/ui-components';
import React, { useMemo, useState } from 'react';

import type { RunCurve } from '../../records';
import { duration, number } from '../../text';
import { trans } from '../../translation';
import { Chart } from '../parts/chart';
import { Check, Choice, has, Search, Slider } from '../parts/fields';
import { Card } from '../parts/frame';
import { ValueTable } from '../parts/values';

const FIRST = 12;
const SEARCHED = 6;

type Axis = 'step' | 'time';

interface ILook {
  axis: Axis;
  log: boolean;
  smoothing: number;
}

export function Metrics({
  id,
  curves,
  metrics,
  started
}: {
  id: string;
  curves: RunCurve[];
  /** The last value of each. */
  metrics: { [name: string]: number | null };
  started: string;
}): JSX.Element | null {
  const drawn = new Set(curves.map(curve => curve.metric));
  const single = Object.keys(metrics)
    .filter(name => !drawn.has(name))
    .sort();
  return (
    <>
      {curves.length > 0 && (
        <Curves id={id} curves={curves} last={metrics} started={started} />
      )}
      {single.length > 0 && (
        <Card title={curves.length ? trans.__('Results') : trans.__('Metrics')}>
          <ValueTable
            numbers
            heads={[trans.__('metric'), trans.__('value')]}
            search={trans.__('Filter metrics')}
            rows={single.map(name => [name, number(metrics[name] ?? null)])}
          />
        </Card>
      )}
    </>
  );
}

function Curves({
  id,
  curves,
  last,
  started
}: {
  id: string;
  curves: RunCurve[];
  last: { [name: string]: number | null };
  started: string;
}): JSX.Element {
  const [look, setLook] = useState<ILook>({
    axis: 'step',
    log: false,
    smoothing: 0
  });
  const [query, setQuery] = useState('');
  const [most, setMost] = useState(FIRST);
  const set = (part: Partial<ILook>): void => setLook({ ...look, ...part });
  const fitting = curves.filter(curve => !query || has(query, curve.metric));
  return (
    <Card
      wide
      title={trans.__('Metrics')}
      aside={
        <span className="mlnb-Fields">
          {curves.length > SEARCHED && (
            <Search
              label={trans.__('Filter metrics')}
              value={query}
              onChange={setQuery}
            />
          )}
          <Slider
            label={trans.__('Smoothing')}
            value={look.smoothing}
            most={0.98}
            step={0.02}
            onChange={smoothing => set({ smoothing })}
          />
          <Check
            label={trans.__('Logarithmic')}
            checked={look.log}
            onChange={log => set({ log })}
          />
          <Choice<Axis>
            label={trans.__('Over')}
            value={look.axis}
            choices={[
              ['step', trans.__('steps')],
              ['time', trans.__('time')]
            ]}
            onChange={axis => set({ axis })}
          />
        </span>
      }
    >
      <div className="mlnb-Charts">
        {fitting.slice(0, most).map(curve => (
          <Curve
            key={curve.metric}
            id={id}
            curve={curve}
            last={last[curve.metric] ?? null}
            started={started}
            look={look}
          />
        ))}
      </div>
      {!fitting.length && (
        <p className="mlnb-Empty">
          {trans.__('Nothing here matches “%1”.', query)}
        </p>
      )}
      {fitting.length > most && (
        <Button minimal small onClick={() => setMost(most + 4 * FIRST)}>
          {trans.__('Show more (%1)', String(fitting.length - most))}
        </Button>
      )}
    </Card>
  );
}

function Curve({
  id,
  curve,
  last,
  started,
  look
}: {
  id: string;
  curve: RunCurve;
  last: number | null;
  started: string;
  look: ILook;
}): JSX.Element {
  const { axis, log, smoothing } = look;
  const first = curve.steps[0];
  // without steps, all points are at one: then the time tells them apart
  const timed = axis === 'time' || curve.steps.every(step => step === first);
  const begin = Date.parse(started) / 1000;
  const series = useMemo(
    () => [
      {
        label: curve.metric,
        x: timed ? curve.times.map(time => time - begin) : curve.steps,
        y: curve.values,
        colour: 0
      }
    ],
    [curve, timed, begin]
  );
  return (
    <figure className="mlnb-Curve">
      <figcaption>
        <span className="mlnb-Curve-name" title={curve.metric}>
          {curve.metric}
        </span>
        <span className="mlnb-Curve-last">{number(last)}</span>
      </figcaption>
      <Chart
        label={trans.__(
          '%1: %2 points, the last is %3',
          curve.metric,
          curve.points.toLocaleString('en'),
          number(last)
        )}
        series={series}
        log={log}
        smoothing={smoothing}
        height={170}
        together={`${id} ${timed}`}
        formatX={timed ? elapsed : stepOf}
      />
    </figure>
  );
}

function stepOf(value: number): string {
  return trans.__('step %1', value.toLocaleString('en'));
}

/** Seconds since the beginning. */
function elapsed(seconds: number): string {
  if (seconds < 60) {
    return trans.__('after %1 s', seconds.toFixed(seconds < 10 ? 2 : 1));
  }
  const end = new Date(seconds * 1000).toISOString();
  return trans.__('after %1', duration(new Date(0).toISOString(), end));
}
