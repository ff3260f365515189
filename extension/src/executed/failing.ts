/** Shows the cell of an executed notebook that failed. */

import type { CodeCell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';

interface ITold {
  papermill?: { status?: string; exception?: boolean | null };
}

/** Activate the first cell that failed, and scroll to it; do nothing when none did. */
export async function showFailingCell(notebook: Notebook): Promise<void> {
  const index = notebook.widgets.findIndex(
    cell => cell.model.type === 'code' && hasFailed(cell as CodeCell)
  );
  if (index >= 0) {
    notebook.mode = 'command';
    notebook.activeCellIndex = index;
    notebook.deselectAll();
    await notebook.scrollToItem(index, 'center');
  }
}

function hasFailed({ model }: CodeCell): boolean {
  const told = (model.metadata as ITold).papermill;
  if (told?.exception !== undefined && told.exception !== null) {
    return told.exception;
  }
  if (told?.status === 'failed') {
    return true;
  }
  for (let at = 0; at < model.outputs.length; at++) {
    if (model.outputs.get(at).type === 'error') {
      return true;
    }
  }
  return false;
}
