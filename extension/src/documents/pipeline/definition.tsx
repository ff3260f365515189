/** A pipeline file: what a run of it would do and why, with parameters to try. */

import { HTMLSelect, runIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useId, useState } from 'react';

import { Badge, Facts, FileLink } from '../../panel/parts';
import type {
  DefinitionDocument,
  PipelineParameter,
  Plan,
  PlannedStep
} from '../../records';
import { count } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import { ActionButton } from '../parts/action';
import { Card, Frame, Waiting } from '../parts/frame';
import { Graph } from '../parts/graph';
import { History } from './history';
import { withoutImplied } from './groups';
import { about, read, runLine, shown } from './lines';

/** Milliseconds after a key until the plan is asked for. */
const PAUSE = 400;

export function DefinitionView({ path }: { path: string }): JSX.Element {
  const { setTitle } = useDocument();
  const [values, setValues] = useState<{ [name: string]: string }>({});
  const [asked, setAsked] = useState('');
  const { data, problem, loading } = useAnswer(
    'GET /definitions/plan',
    { path, parameters: asked },
    { sections: ['pipelines', 'datasets'], when: ended, every: 20_000 }
  );
  const last = useLast(data);
  const parameters = last?.parameters ?? [];
  const given = JSON.stringify(
    Object.fromEntries(
      parameters
        .filter(({ name, default: usual }) =>
          Boolean(values[name] !== undefined && values[name] !== shown(usual))
        )
        .map(parameter => [
          parameter.name,
          read(parameter, values[parameter.name] ?? '')
        ])
    )
  );
  useEffect(() => {
    const timer = window.setTimeout(
      () => setAsked(given === '{}' ? '' : given),
      PAUSE
    );
    return () => window.clearTimeout(timer);
  }, [given]);
  const name = last?.definition.name;
  useEffect(() => {
    if (name) {
      setTitle(name);
    }
  }, [name, setTitle]);
  if (!last) {
    return <Waiting problem={problem} />;
  }
  const { definition, plan, runs } = last;
  return (
    <Frame
      kind={trans.__('Pipeline')}
      title={definition.name}
      summary={
        <>
          {definition.description && `${definition.description} · `}
          <FileLink path={definition.path} />
          {definition.schedule &&
            ` · ${trans.__('scheduled %1', definition.schedule)}`}
        </>
      }
      actions={
        !definition.problem && (
          <>
            <ActionButton
              label={trans.__('Run')}
              icon={runIcon}
              line={runLine(path, parameters, values)}
              background
              disabled={!plan}
            />
            <ActionButton
              label={trans.__('Run all steps')}
              line={runLine(path, parameters, values, '--force')}
              background
              disabled={!plan}
            />
          </>
        )
      }
      problem={problem ?? last.problem}
    >
      {plan && (
        <Card
          title={trans.__('What a run would do')}
          wide
          aside={<Outlook plan={plan} loading={loading} />}
        >
          <PlanGraph plan={plan} />
          <PlanTable plan={plan} />
        </Card>
      )}
      {parameters.length > 0 && (
        <Card title={trans.__('Parameters')}>
          <div className="mlnb-Parameters">
            {parameters.map(parameter => (
              <ParameterInput
                key={parameter.name}
                parameter={parameter}
                value={values[parameter.name] ?? shown(parameter.default)}
                onChange={value =>
                  setValues({ ...values, [parameter.name]: value })
                }
              />
            ))}
          </div>
        </Card>
      )}
      <Card title={trans.__('Runs')}>
        {runs.length ? (
          <History runs={runs} />
        ) : (
          <p className="mlnb-Empty">{trans.__('It has not run yet.')}</p>
        )}
      </Card>
    </Frame>
  );
}

/** A run that ends changes what the next one would do. */
function ended(change: { pipelines: { status: string }[] }): boolean {
  return change.pipelines.some(run => run.status !== 'RUNNING');
}

/** The last answer, also while the next one is under way. */
function useLast(data: DefinitionDocument | null): DefinitionDocument | null {
  const [last, setLast] = useState(data);
  useEffect(() => {
    if (data) {
      setLast(data);
    }
  }, [data]);
  return data ?? last;
}

function Outlook({
  plan,
  loading
}: {
  plan: Plan;
  loading: boolean;
}): JSX.Element {
  const fresh = plan.steps.filter(step => step.fresh).length;
  const would = plan.steps.length - fresh;
  return (
    <span className="mlnb-Aside" aria-busy={loading} role="status">
      {would
        ? trans.__('%1 would run, %2 cached', count(would, 'step'), fresh)
        : trans.__('nothing would run: all is fresh')}
    </span>
  );
}

function stateOfPlanned(step: PlannedStep): {
  tone: 'good' | 'busy' | 'idle';
  label: string;
} {
  if (step.fresh) {
    return { tone: 'good', label: trans.__('fresh') };
  }
  return step.fresh === false
    ? { tone: 'busy', label: trans.__('would run') }
    : { tone: 'idle', label: trans.__('known later') };
}

function PlanGraph({ plan }: { plan: Plan }): JSX.Element | null {
  if (plan.steps.length < 2) {
    return null;
  }
  const needs = plan.steps.flatMap(step =>
    step.needs.map(need => [need, step.name] as [string, string])
  );
  return (
    <Graph
      label={trans.__('Steps and what they need')}
      nodes={plan.steps.map(step => {
        const state = stateOfPlanned(step);
        return {
          id: step.name,
          title: step.name,
          subtitle: `${state.label} · ${step.notebook}`,
          tone: state.tone === 'busy' ? 'idle' : state.tone,
          status: state.label,
          pale: step.fresh === true
        };
      })}
      edges={(needs.length <= 400 ? withoutImplied(needs) : needs).map(
        ([from, to]) => ({ from, to })
      )}
    />
  );
}

function PlanTable({ plan }: { plan: Plan }): JSX.Element {
  return (
    <div className="mlnb-Scroll">
      <table className="mlnb-Plan">
        <thead>
          <tr>
            <th scope="col">{trans.__('step')}</th>
            <th scope="col">{trans.__('state')}</th>
            <th scope="col">{trans.__('why')}</th>
            <th scope="col">{trans.__('runs')}</th>
          </tr>
        </thead>
        <tbody>
          {plan.steps.map(step => {
            const state = stateOfPlanned(step);
            return (
              <tr key={step.name}>
                <th scope="row">{step.name}</th>
                <td>
                  <Badge tone={state.tone}>{state.label}</Badge>
                </td>
                <td>{step.why}</td>
                <td>
                  {step.kind === 'function' ? (
                    step.notebook
                  ) : (
                    <FileLink path={step.notebook} />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function ParameterInput({
  parameter,
  value,
  onChange
}: {
  parameter: PipelineParameter;
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  const id = useId();
  const help = about(parameter);
  if (parameter.secret) {
    return (
      <Facts
        facts={[[parameter.name, trans.__('a secret of the environment')]]}
      />
    );
  }
  const choices =
    parameter.type === 'bool'
      ? ['True', 'False']
      : parameter.choices.map(shown);
  const common = {
    id,
    value,
    'aria-describedby': help ? `${id}-help` : undefined
  };
  return (
    <div className="mlnb-Field">
      <label htmlFor={id}>{parameter.name}</label>
      {choices.length ? (
        <HTMLSelect
          {...common}
          options={choices}
          onChange={event => onChange(event.target.value)}
        />
      ) : (
        <input
          {...common}
          className="jp-mod-styled"
          type="text"
          inputMode={/^(int|float)$/.test(parameter.type) ? 'decimal' : 'text'}
          required={parameter.required}
          onChange={event => onChange(event.target.value)}
        />
      )}
      {help && <p id={`${id}-help`}>{help}</p>}
    </div>
  );
}
