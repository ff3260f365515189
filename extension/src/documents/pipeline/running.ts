/** Asks for the parameters of a run. */

import type { IApi } from '../../api';
import { asProblem } from '../../api';
import type { PipelineParameter } from '../../records';
import { trans } from '../../translation';
import type { IField } from '../parts/ask';
import { ask } from '../parts/ask';
import { Notification } from '@jupyterlab/apputils';
import { about, runLine, shown } from './lines';

const EVERYTHING = 'everything';

/** The line of a new run with parameters as the person wants them; null when they do not. */
export async function askToRun(
  api: IApi,
  folder: string,
  path: string,
  values: { [name: string]: unknown }
): Promise<string | null> {
  let parameters: PipelineParameter[];
  try {
    parameters = (await api.ask('GET /definitions/plan', { folder, path }))
      .parameters;
  } catch (reason) {
    Notification.error(asProblem(reason).message);
    return null;
  }
  const known = parameters.filter(parameter => !parameter.secret);
  const chosen = await ask({
    title: trans.__('Run %1', path),
    text: trans.__('Steps of which nothing has changed are not run again.'),
    fields: [
      ...known.map(parameter => field(parameter, values[parameter.name])),
      {
        name: EVERYTHING,
        label: trans.__('Steps'),
        choices: [trans.__('what has changed'), trans.__('all, changed or not')]
      }
    ],
    accept: trans.__('Run')
  });
  if (!chosen) {
    return null;
  }
  const forced = chosen[EVERYTHING] === trans.__('all, changed or not');
  return runLine(path, known, chosen, ...(forced ? ['--force'] : []));
}

function field(parameter: PipelineParameter, value: unknown): IField {
  const choices =
    parameter.type === 'bool'
      ? ['True', 'False']
      : parameter.choices.map(shown);
  return {
    name: parameter.name,
    label: parameter.name,
    value: shown(value ?? parameter.default),
    help: about(parameter),
    required: parameter.required,
    ...(choices.length && { choices })
  };
}
