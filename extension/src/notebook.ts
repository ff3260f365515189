/** What the panel does outside itself: insert code into the notebook, copy, open files. */

import {
  Clipboard,
  Dialog,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';
import type { CommandRegistry } from '@lumino/commands';

import type { IApi } from './api';
import { runInBackground } from './jobs/background';
import { notebookFor, runInNotebook } from './jobs/notebook';
import type { DocumentKind, IMlnbModel } from './tokens';
import { CommandIDs } from './tokens';
import { trans } from './translation';

/** The panel's way to the rest of JupyterLab. */
export interface IActions {
  /** Put code into a new cell of the notebook in use; copy it when there is none. */
  insert(code: string): void;
  copy(text: string): void;
  /** Open a file by its path in the file browser. */
  open(path: string): void;
  /** Open what is known about an object in the main area. */
  openDocument(kind: DocumentKind, id: string): void;
  /** Open the executed notebook of a step of a run, at the cell that failed if one did. */
  openExecuted(run: string, step: string): void;
  /**
   * Do what a line of mlnb's grammar says, such as `%rollback delays`: in the notebook in use when
   * it is of the project and idle, else as a background job.
   */
  perform(line: string, options?: IPerformOptions): void;
}

export interface IPerformOptions {
  /** What to ask before. */
  confirm?: string;
  /** Whether it is a background job in any case: it takes long, or must not wait. */
  background?: boolean;
}

export class LabActions implements IActions {
  constructor(
    private readonly _commands: CommandRegistry,
    private readonly _notebooks: INotebookTracker | null,
    private readonly _folder: () => string,
    private readonly _api: IApi,
    private readonly _model: IMlnbModel
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
    if (panel.isVisible) {
      panel.activate();
    } else {
      this.open(panel.context.path); // shows its tab, behind which it was
    }
    notebook.mode = 'edit';
  }

  copy(text: string): void {
    Clipboard.copyToSystem(text);
    Notification.info(trans.__('Copied to the clipboard.'), {
      autoClose: 2000
    });
  }

  open(path: string): void {
    void this._commands.execute('docmanager:open', { path });
  }

  openDocument(kind: DocumentKind, id: string): void {
    const folder = this._folder();
    void this._commands.execute(CommandIDs.open, { kind, id, folder });
  }

  openExecuted(run: string, step: string): void {
    const folder = this._folder();
    void this._commands.execute(CommandIDs.openExecuted, { folder, run, step });
  }

  perform(line: string, options: IPerformOptions = {}): void {
    void this._perform(line, options);
  }

  private async _perform(
    line: string,
    options: IPerformOptions
  ): Promise<void> {
    if (options.confirm && !(await confirmed(line, options.confirm))) {
      return;
    }
    const folder = this._folder();
    const api = this._api;
    const panel = options.background
      ? null
      : await notebookFor(folder, this._notebooks, api).catch(() => null);
    if (panel) {
      await runInNotebook(line, panel);
      return;
    }
    await runInBackground(line, folder, {
      api,
      model: this._model,
      open: (kind, id, where) =>
        void this._commands.execute(CommandIDs.open, {
          kind,
          id,
          folder: where
        })
    });
  }
}

async function confirmed(line: string, question: string): Promise<boolean> {
  const result = await showDialog({
    title: line,
    body: question,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: trans.__('Do it') })
    ]
  });
  return result.button.accept;
}
