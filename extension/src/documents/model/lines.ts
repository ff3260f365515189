/** The lines of the grammar that change a model, once a person has said what and why. */

import type { ModelDocument, ModelVersion } from '../../records';
import { trans } from '../../translation';
import { ask, word } from '../parts/ask';
import { refOf } from './gates';

const CHAMPION = 'champion';

function because(reason: string | undefined): string {
  return reason?.trim() ? ` --reason ${word(reason.trim())}` : '';
}

function aliased(alias: string | undefined): string {
  const name = alias?.trim() ?? '';
  return name && name !== CHAMPION ? ` --alias ${word(name)}` : '';
}

export async function promotion(version: ModelVersion): Promise<string | null> {
  const refused = version.gate === 'refused';
  const said = await ask({
    title: trans.__('Promote %1', refOf(version)),
    text: refused
      ? trans.__('Its gate refused this version: promoting it overrules that.')
      : trans.__('The alias then points at this version.'),
    fields: [
      { name: 'alias', label: trans.__('Alias'), value: CHAMPION },
      {
        name: 'reason',
        label: trans.__('Reason'),
        placeholder: trans.__('Kept in the history')
      }
    ],
    accept: refused ? trans.__('Promote all the same') : trans.__('Promote'),
    danger: refused
  });
  return (
    said &&
    `%model promote ${word(refOf(version))}${aliased(said.alias)}` +
      `${refused ? ' --force' : ''}${because(said.reason)}`
  );
}

/** The aliases that were moved before, the one that was moved last first. */
export function movedAliases(model: ModelDocument): string[] {
  return [...new Set(model.changes.map(change => change.alias))];
}

export async function rollback(model: ModelDocument): Promise<string | null> {
  const said = await ask({
    title: trans.__('Roll %1 back', model.name),
    text: trans.__('The alias then points at the version that held it before.'),
    fields: [
      {
        name: 'alias',
        label: trans.__('Alias'),
        choices: movedAliases(model)
      },
      {
        name: 'reason',
        label: trans.__('Reason'),
        placeholder: trans.__('Kept in the history')
      }
    ],
    accept: trans.__('Roll back'),
    danger: true
  });
  return (
    said &&
    `%model rollback ${word(model.name)}${aliased(said.alias)}${because(said.reason)}`
  );
}

export async function registration(name: string): Promise<string | null> {
  const said = await ask({
    title: trans.__('Register the next version of %1', name),
    fields: [
      {
        name: 'model',
        label: trans.__('Model'),
        value: 'model',
        help: trans.__('A variable of the notebook in use, or a .skops file.')
      },
      {
        name: 'example',
        label: trans.__('Example of its input'),
        value: 'X',
        help: trans.__('A table; the signature is taken from it.')
      },
      { name: 'description', label: trans.__('What it is') }
    ],
    accept: trans.__('Register')
  });
  if (!said) {
    return null;
  }
  const { model = '', example = '', description = '' } = said;
  return (
    `%model register ${word(model)} ${word(name)}` +
    (example.trim() ? ` --example ${word(example.trim())}` : '') +
    (description.trim() ? ` -m ${word(description.trim())}` : '')
  );
}
