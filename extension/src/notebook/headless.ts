/** "Run headless…": ask for the parameters, run the notebook as a job, open what it became. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';

import type { IApi } from '../api';
import { asProblem } from '../api';
import type { ISurroundings } from '../jobs/background';
import { runInBackground } from '../jobs/background';
import { browserPath } from '../paths';
import type { HeadlessLine, ParameterForm } from '../records';
import { trans } from '../translation';
import type { IFilled } from './form';
import { HeadlessForm } from './form';

export interface IHeadless extends ISurroundings {
  /** Open a notebook at the cell that failed, if one did. */
  openExecuted(path: string): void;
}

/** What was last typed in for a notebook, without secrets, until the page is left. */
const remembered = new Map<string, IFilled['values']>();

export async function runHeadless(
  panel: NotebookPanel,
  around: IHeadless
): Promise<void> {
  const path = panel.context.localPath;
  const folder = PathExt.dirname(path);
  try {
    if (panel.context.model.dirty) {
      await panel.context.save(); // what runs is the file
    }
    const form = await around.api.ask('GET /notebooks/parameters', {
      folder,
      path
    });
    const found = await ask(form, path, folder, around.api);
    if (found) {
      remembered.set(path, found.filled.values);
      await run(found.line, found.filled, folder, around);
    }
  } catch (reason) {
    const { message, fix } = asProblem(reason);
    Notification.error(`${message} ${fix}`.trim());
  }
}

/** Ask until what is typed in can run; null when the person thought better of it. */
async function ask(
  form: ParameterForm,
  path: string,
  folder: string,
  api: IApi
): Promise<{ line: string; filled: IFilled } | null> {
  const check = ({ output, values, secrets }: IFilled): Promise<HeadlessLine> =>
    api.ask('POST /notebooks/line', {
      folder,
      body: { path, output, values, secrets: Object.keys(secrets) }
    });
  const names = new Set(form.fields.map(field => field.name));
  const before = Object.entries(remembered.get(path) ?? {});
  let filled: IFilled = {
    output: form.output,
    values: Object.fromEntries(before.filter(([name]) => names.has(name))),
    secrets: {}
  };
  for (;;) {
    const body = new HeadlessForm(form, check, filled);
    const result = await showDialog({
      title: trans.__('Run %1 headless', PathExt.basename(path)),
      body,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Run') })
      ]
    });
    filled = body.filled;
    if (!result.button.accept) {
      return null;
    }
    const { line, problems } = await check(filled);
    if (!Object.keys(problems).length) {
      return { line, filled };
    }
  }
}

async function run(
  line: string,
  { output, secrets }: IFilled,
  folder: string,
  around: IHeadless
): Promise<void> {
  const place = await around.api.ask('GET /project', { folder });
  const target = browserPath(place, output);
  await runInBackground(line, folder, around, {
    secrets,
    actions: job =>
      target === null
        ? []
        : [
            {
              label:
                job.status === 'FINISHED'
                  ? trans.__('Open notebook')
                  : trans.__('Open failing cell'),
              displayType: 'accent',
              callback: () => around.openExecuted(target)
            }
          ]
  });
}
