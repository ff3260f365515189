/** Opens the executed notebook of a step, at the cell that failed if one did. */

import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { executedPath } from './drive';
import { showFailingCell } from './failing';

export async function openExecuted(
  documents: IDocumentManager,
  folder: string,
  run: string,
  step: string
): Promise<void> {
  const path = executedPath(folder, run, step);
  const widget = documents.openOrReveal(
    path,
    'Notebook',
    undefined,
    undefined,
    {
      shouldStart: false,
      autoStartDefault: false
    }
  );
  if (!widget) {
    return;
  }
  await widget.context.ready;
  await widget.revealed;
  widget.title.caption = `${run}: ${step}`;
  await showFailingCell((widget as NotebookPanel).content);
}
