/** Runs side by side: what differs as a table, as lines over axes, and as curves. */

import { addIcon, Button } from '@jupyterlab/ui-components';
import React, { useEffect, useMemo, useState } from 'react';

import { mlnbIcon } from '../../icons';
import type { RunRecord, RunSummary } from '../../records';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import type { IDocumentKind } from '../kinds';
import { ask } from '../parts/ask';
import { Check } from '../parts/fields';
import { Card, Frame, Waiting } from '../parts/frame';
import type { Brush } from './axes';
import { axesOf, nameOf, within } from './axes';
import { Closely } from './closely';
import { Curves } from './curves';
import { Parallel } from './parallel';
import { RunsTable } from './table';

const AXES = 10;
const MOST_RUNS = 50;

type Found = NonNullable<ReturnType<typeof useAnswer<'GET /compare'>>['data']>;

function Document({ id }: { id: string }): JSX.Element {
  const { setTitle } = useDocument();
  const [refs, setRefs] = useState(() => id.split(',').filter(Boolean));
  const { data, problem } = useAnswer(
    'GET /compare',
    { run: refs },
    { sections: ['runs'] }
  );
  const [last, setLast] = useState<Found | null>(null);
  useEffect(() => {
    if (data) {
      setLast(data); // stays while others are asked for
    }
  }, [data]);
  const found = data ?? last;
  const names = found?.runs.map(run => run.name).join(' · ');
  useEffect(() => {
    if (names) {
      setTitle(trans.__('Compare %1', names));
    }
  }, [names, setTitle]);
  if (!found) {
    return <Waiting problem={problem} />;
  }
  return (
    <Frame
      kind={trans.__('Comparison')}
      title={titleOf(found.runs)}
      summary={trans._n(
        '%1 run, %2 differences',
        '%1 runs, %2 differences',
        found.runs.length,
        String(found.different.length)
      )}
      actions={<Add runs={found.runs} onAdd={ref => setRefs([...refs, ref])} />}
      problem={problem}
    >
      <Shown
        found={found}
        onRemove={
          found.runs.length > 2
            ? run =>
                setRefs(
                  found.runs
                    .filter((_, place) => place !== run)
                    .map(one => one.id)
                )
            : null
        }
      />
    </Frame>
  );
}

function titleOf(runs: RunRecord[]): string {
  const names = runs.slice(0, 3).map(run => run.name);
  const more = runs.length - names.length;
  return [
    ...names,
    ...(more > 0 ? [trans.__('%1 more', String(more))] : [])
  ].join(', ');
}

function Shown({
  found,
  onRemove
}: {
  found: Found;
  onRemove: ((run: number) => void) | null;
}): JSX.Element {
  const every = useMemo(() => axesOf(found), [found]);
  const [hidden, setHidden] = useState<ReadonlySet<string> | null>(null);
  const [brushes, setBrushes] = useState<{ [key: string]: Brush }>({});
  const [lit, setLit] = useState<number | null>(null);
  const away = hidden ?? new Set(every.slice(AXES).map(nameOf));
  const axes = every.filter(axis => !away.has(nameOf(axis)));
  const kept: { [key: string]: Brush } = {};
  for (const name of axes.map(nameOf)) {
    const part = brushes[name];
    if (part) {
      kept[name] = part;
    }
  }
  const key = JSON.stringify([kept, axes.map(nameOf), found.runs.length]);
  const chosen = useMemo(
    () => within(axes, kept, found.runs.length),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key says all that counts of them
    [key, found]
  );
  const count = chosen.filter(Boolean).length;
  const brush = (name: string, part: Brush | null): void => {
    const next = { ...brushes };
    delete next[name];
    setBrushes(part ? { ...next, [name]: part } : next);
  };
  return (
    <>
      {every.length > 1 && (
        <Card
          wide
          title={trans.__('Parallel coordinates')}
          aside={
            <span className="mlnb-Fields" role="status">
              {count < chosen.length && (
                <>
                  {trans.__(
                    '%1 of %2 runs chosen',
                    String(count),
                    String(chosen.length)
                  )}
                  <Button minimal small onClick={() => setBrushes({})}>
                    {trans.__('Choose all')}
                  </Button>
                </>
              )}
            </span>
          }
        >
          <Parallel
            axes={axes}
            runs={found.runs}
            brushes={kept}
            chosen={chosen}
            lit={lit}
            onBrush={brush}
            onLight={setLit}
          />
          {every.length > 2 && (
            <details className="mlnb-Axes">
              <summary>
                {trans.__(
                  'Axes: %1 of %2',
                  String(axes.length),
                  String(every.length)
                )}
              </summary>
              <div className="mlnb-Fields">
                {every.map(axis => (
                  <Check
                    key={nameOf(axis)}
                    label={axis.key}
                    checked={!away.has(nameOf(axis))}
                    onChange={shown => {
                      const next = new Set(away);
                      if (shown) {
                        next.delete(nameOf(axis));
                      } else {
                        next.add(nameOf(axis));
                      }
                      setHidden(next);
                    }}
                  />
                ))}
              </div>
            </details>
          )}
        </Card>
      )}
      <RunsTable
        found={found}
        chosen={chosen}
        lit={lit}
        onLight={setLit}
        onRemove={onRemove}
      />
      <Curves found={found} chosen={chosen} />
      <Closely runs={found.runs.map(run => run.id)} />
    </>
  );
}

/** Ask for one more run. */
function Add({
  runs,
  onAdd
}: {
  runs: RunRecord[];
  onAdd: (ref: string) => void;
}): JSX.Element {
  const { api, folder } = useDocument();
  const add = async (): Promise<void> => {
    const listed = await api.ask('GET /runs', { folder });
    const known = new Set(runs.map(run => run.id));
    const others = listed.items.filter(run => !known.has(run.id));
    const called = (run: RunSummary): string =>
      `${run.name} (${run.id.slice(0, 8)})`;
    const chosen = await ask({
      title: trans.__('Add a run'),
      fields: [
        {
          name: 'run',
          label: trans.__('One of the latest'),
          choices: others.map(called)
        },
        {
          name: 'ref',
          label: trans.__('or another, by name or id'),
          placeholder: trans.__('name or id')
        }
      ],
      accept: trans.__('Add')
    });
    const ref =
      chosen?.ref?.trim() ||
      others.find(run => called(run) === chosen?.run)?.id;
    if (ref) {
      onAdd(ref);
    }
  };
  return (
    <Button
      minimal
      small
      className="mlnb-Action"
      disabled={runs.length >= MOST_RUNS}
      title={`%runs compare ${runs.map(run => run.id.slice(0, 8)).join(' ')} …`}
      onClick={() => void add()}
    >
      <addIcon.react tag="span" />
      {trans.__('Add a run…')}
    </Button>
  );
}

export const compare: IDocumentKind = {
  kind: 'compare',
  icon: mlnbIcon,
  title: () => trans.__('Comparison'),
  Component: Document
};
