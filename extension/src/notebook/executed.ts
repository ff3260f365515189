/** Opens a notebook that was executed, at the cell that failed. */

import type { NotebookPanel } from '@jupyterlab/notebook';
import type { CommandRegistry } from '@lumino/commands';

import { showFailingCell } from '../executed/failing';

/** Open a notebook by its path in the file browser; at a cell with an error, if there is one. */
export async function openExecuted(
  commands: CommandRegistry,
  path: string
): Promise<void> {
  const panel = (await commands.execute('docmanager:open', {
    path
  })) as NotebookPanel | undefined;
  if (!panel) {
    return;
  }
  await panel.context.ready;
  await panel.revealed;
  await showFailingCell(panel.content);
}
