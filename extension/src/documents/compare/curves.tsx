/** The curves of runs over each other, a chart per metric. */

import { Button } from '@jupyterlab/ui-components';
import React, { useMemo, useState } from 'react';

import { ProblemBox } from '../../panel/parts';
import type { MetricCurve, RunComparison } from '../../records';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { Chart } from '../parts/chart';
import { Check, has, Search, Slider } from '../parts/fields';
import { Card } from '../parts/frame';

/** As many metrics as the server answers at once. */
const PAGE = 12;

interface ILook {
  smoothing: number;
  log: boolean;
}

export function Curves({
  found,
  chosen
}: {
  found: RunComparison;
  chosen: boolean[];
}): JSX.Element | null {
  const [look, setLook] = useState<ILook>({ smoothing: 0, log: false });
  const [query, setQuery] = useState('');
  const [pages, setPages] = useState(1);
  const metrics = Object.keys(found.metrics);
  const fitting = metrics.filter(name => !query || has(query, name));
  const parts = Array.from({ length: pages }, (_, page) =>
    fitting.slice(page * PAGE, (page + 1) * PAGE)
  );
  if (!metrics.length) {
    return null;
  }
  return (
    <Card
      wide
      title={trans.__('Curves')}
      aside={
        <span className="mlnb-Fields">
          {metrics.length > 6 && (
            <Search
              label={trans.__('Filter metrics')}
              value={query}
              onChange={text => {
                setQuery(text);
                setPages(1);
              }}
            />
          )}
          <Slider
            label={trans.__('Smoothing')}
            value={look.smoothing}
            most={0.98}
            step={0.02}
            onChange={smoothing => setLook({ ...look, smoothing })}
          />
          <Check
            label={trans.__('Logarithmic')}
            checked={look.log}
            onChange={log => setLook({ ...look, log })}
          />
        </span>
      }
    >
      <div className="mlnb-Charts mlnb-mod-large">
        {parts
          .filter(part => part.length)
          .map((part, page) => (
            <Page
              key={page}
              found={found}
              metrics={part}
              chosen={chosen}
              look={look}
            />
          ))}
      </div>
      {!fitting.length && (
        <p className="mlnb-Empty">
          {trans.__('Nothing here matches “%1”.', query)}
        </p>
      )}
      {fitting.length > pages * PAGE && (
        <Button minimal small onClick={() => setPages(pages + 1)}>
          {trans.__('Show more (%1)', String(fitting.length - pages * PAGE))}
        </Button>
      )}
    </Card>
  );
}

function Page({
  found,
  metrics,
  chosen,
  look
}: {
  found: RunComparison;
  metrics: string[];
  chosen: boolean[];
  look: ILook;
}): JSX.Element {
  const going = found.runs.some(run => run.status === 'RUNNING');
  const { data, problem } = useAnswer(
    'GET /compare/curves',
    { run: found.runs.map(run => run.id), metric: metrics },
    { every: going ? 2000 : null }
  );
  if (problem) {
    return <ProblemBox problem={problem} />;
  }
  if (!data) {
    return <p className="mlnb-Empty">{trans.__('Reading…')}</p>;
  }
  const drawn = [...new Set(data.curves.map(curve => curve.metric))];
  if (!drawn.length) {
    return (
      <p className="mlnb-Empty">
        {trans.__('No metric was logged more than once.')}
      </p>
    );
  }
  return (
    <>
      {drawn.map(metric => (
        <Overlaid
          key={metric}
          metric={metric}
          found={found}
          curves={data.curves}
          chosen={chosen}
          look={look}
        />
      ))}
    </>
  );
}

function Overlaid({
  metric,
  found,
  curves,
  chosen,
  look
}: {
  metric: string;
  found: RunComparison;
  curves: MetricCurve[];
  chosen: boolean[];
  look: ILook;
}): JSX.Element {
  const series = useMemo(
    () =>
      curves
        .filter(curve => curve.metric === metric && chosen[curve.run])
        .map(curve => ({
          label: found.runs[curve.run]?.name ?? '',
          x: curve.steps,
          y: curve.values,
          colour: curve.run
        })),
    [curves, metric, chosen, found.runs]
  );
  return (
    <figure className="mlnb-Curve">
      <figcaption>
        <span className="mlnb-Curve-name" title={metric}>
          {metric}
        </span>
      </figcaption>
      <Chart
        label={trans.__('%1 of %2 runs', metric, String(series.length))}
        series={series}
        smoothing={look.smoothing}
        log={look.log}
        height={220}
        formatX={step => trans.__('step %1', step.toLocaleString('en'))}
      />
    </figure>
  );
}
