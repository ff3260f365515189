import { HTMLSelect, addIcon, undoIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import { modelIcon } from '../../icons';
import { Badge } from '../../panel/parts';
import type { ModelDocument, ModelVersionDocument } from '../../records';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import type { IDocumentKind } from '../kinds';
import { ActionButton } from '../parts/action';
import { Frame, Waiting } from '../parts/frame';
import { LineageButton } from '../parts/lineage-button';
import { Changes } from './changes';
import { Comparison } from './comparing';
import { gateOf, refOf } from './gates';
import { movedAliases, promotion, registration, rollback } from './lines';
import { Version } from './version';
import { Versions } from './versions';

const SECTIONS = ['models', 'endpoints'] as const;

function Document({ id }: { id: string }): JSX.Element {
  const context = useDocument();
  const [name = '', selector = ''] = id.split('@');
  const { data, problem } = useAnswer(
    'GET /models/{name}',
    { name },
    { sections: SECTIONS }
  );
  const [chosen, setChosen] = useState<number | null>(null);
  useEffect(() => context.setTitle(name), [context, name]);
  if (!data) {
    return <Waiting problem={problem} />;
  }
  const number = chosen ?? meant(data, selector);
  return (
    <Loaded
      key={name}
      model={data}
      problem={problem}
      number={number}
      onSelect={setChosen}
    />
  );
}

/** The version that `3`, an alias, or nothing (the newest) means. */
function meant(model: ModelDocument, selector: string): number {
  const found = model.versions.find(
    version =>
      String(version.number) === selector || version.aliases.includes(selector)
  );
  return (found ?? model.versions[0])?.number ?? 0;
}

function Loaded({
  model,
  problem,
  number,
  onSelect
}: {
  model: ModelDocument;
  problem: ReturnType<typeof useAnswer>['problem'];
  number: number;
  onSelect: (number: number) => void;
}): JSX.Element {
  const [other, setOther] = useState<number | null>(null);
  const shown = useAnswer(
    'GET /models/{name}/versions/{number}',
    { name: model.name, number },
    { sections: SECTIONS }
  );
  const version = model.versions.find(one => one.number === number);
  return (
    <Frame
      kind={trans.__('Model')}
      title={model.name}
      status={version && gateOf(version)}
      badges={
        <>
          <Badge tone="busy">{`v${number}`}</Badge>
          {version?.aliases.map(alias => (
            <Badge key={alias} tone="good">
              {alias}
            </Badge>
          ))}
        </>
      }
      summary={version?.description}
      problem={problem}
      actions={
        <>
          {version && (
            <ActionButton
              label={trans.__('Promote…')}
              example={`%model promote ${refOf(version)} --reason '…'`}
              line={() => promotion(version)}
            />
          )}
          <ActionButton
            label={trans.__('Roll back…')}
            icon={undoIcon}
            example={`%model rollback ${model.name} --reason '…'`}
            line={() => rollback(model)}
            disabled={!movedAliases(model).length}
          />
          <ActionButton
            label={trans.__('Register…')}
            icon={addIcon}
            example={`%model register model ${model.name} --example X`}
            line={() => registration(model.name)}
          />
          {version && <LineageButton kind="model" id={refOf(version)} />}
        </>
      }
    >
      <Versions model={model} selected={number} onSelect={onSelect} />
      {model.versions.length > 1 && (
        <label className="mlnb-Compare-with">
          {trans.__('Compare version %1 with', number)}
          <HTMLSelect
            value={other === null ? '' : String(other)}
            onChange={event =>
              setOther(event.target.value ? Number(event.target.value) : null)
            }
          >
            <option value="">{trans.__('none')}</option>
            {model.versions
              .filter(one => one.number !== number)
              .map(one => (
                <option key={one.number} value={one.number}>
                  {`v${one.number}${one.aliases.length ? ` (${one.aliases.join(', ')})` : ''}`}
                </option>
              ))}
          </HTMLSelect>
        </label>
      )}
      {other !== null && other !== number && (
        <Compared name={model.name} number={other} after={shown.data} />
      )}
      <Version document={shown.data} problem={shown.problem} />
      <Changes changes={model.changes} />
    </Frame>
  );
}

function Compared({
  name,
  number,
  after
}: {
  name: string;
  number: number;
  after: ModelVersionDocument | null;
}): JSX.Element | null {
  const { data } = useAnswer('GET /models/{name}/versions/{number}', {
    name,
    number
  });
  return data && after && <Comparison before={data} after={after} />;
}

export const model: IDocumentKind = {
  kind: 'model',
  icon: modelIcon,
  title: id => id.split('@')[0] ?? id,
  Component: Document
};
