/** What the panel does outside itself: insert code into the notebook, copy, open files. */

import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';
import type { CommandRegistry } from '@lumino/commands';

/** The panel's way to the rest of JupyterLab. */
export interface IActions {
  /** Put code into a new cell of the notebook in use; copy it when there is none. */
  insert(code: string): void;
  copy(text: string): void;
  /** Open a file by its path in the file browser. */
  open(path: string): void;
}

export class LabActions implements IActions {
  constructor(
    private readonly _commands: CommandRegistry,
    private readonly _notebooks: INotebookTracker | null
  ) {}

  insert(code: string): void {
    const panel = this._notebooks?.currentWidget;
    if (!panel) {
      this.copy(code);
      return;
    }
    const notebook = panel.content;
    if (notebook.activeCell?.model.sharedModel.getSource().trim()) {
      NotebookActions.insertBelow(notebook);
    }
    NotebookActions.changeCellType(notebook, 'code');
    notebook.activeCell?.model.sharedModel.setSource(code);
    panel.activate();
    notebook.mode = 'edit';
  }

  copy(text: string): void {
    Clipboard.copyToSystem(text);
    Notification.info('Copied to the clipboard.', { autoClose: 2000 });
  }

  open(path: string): void {
    void this._commands.execute('docmanager:open', { path });
  }
}
