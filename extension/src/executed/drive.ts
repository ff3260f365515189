/**
 * Executed notebooks of pipeline runs as files to open: `mlnb-runs:FOLDER/RUN/STEP.ipynb`.
 *
 * They lie in the project's `.mlnb`, which the file browser hides, or only in the object store.
 * Nothing is ever written to them.
 */

import type { Contents, ServerConnection } from '@jupyterlab/services';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IApi } from '../api';
import { trans } from '../translation';

export const DRIVE = 'mlnb-runs';

/** Where a step's executed notebook is opened. */
export function executedPath(
  folder: string,
  run: string,
  step: string
): string {
  // a first part of its own: JupyterLab takes `.` out of paths
  const parts = [`in:${folder}`, run, step].map(encodeURIComponent);
  return `${DRIVE}:${parts.join('/')}.ipynb`;
}

export class RunsDrive implements Contents.IDrive {
  constructor(
    private readonly _api: IApi,
    readonly serverSettings: ServerConnection.ISettings
  ) {}

  readonly name = DRIVE;

  get fileChanged(): ISignal<Contents.IDrive, Contents.IChangedArgs> {
    return this._fileChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  async get(
    path: string,
    options?: Contents.IFetchOptions
  ): Promise<Contents.IModel> {
    const parts = path
      .replace(/\.ipynb$/, '')
      .split('/')
      .map(decodeURIComponent);
    const [where, run, step] = parts;
    if (parts.length !== 3 || !run || !step) {
      return folderModel(path);
    }
    const folder = (where ?? '').replace(/^in:/, '');
    const found = await this._api.ask('GET /pipelines/{run}/notebook', {
      folder,
      run,
      step
    });
    const time = found.written ?? '';
    return {
      name: `${step}.ipynb`,
      path,
      type: 'notebook',
      format: 'json',
      mimetype: 'application/x-ipynb+json',
      content: options?.content === false ? null : found.content,
      created: time,
      last_modified: time,
      writable: false
    };
  }

  getDownloadUrl(): Promise<string> {
    return refuse();
  }
  newUntitled(): Promise<Contents.IModel> {
    return refuse();
  }
  delete(): Promise<void> {
    return refuse();
  }
  rename(): Promise<Contents.IModel> {
    return refuse();
  }
  save(): Promise<Contents.IModel> {
    return refuse();
  }
  copy(): Promise<Contents.IModel> {
    return refuse();
  }
  createCheckpoint(): Promise<Contents.ICheckpointModel> {
    return refuse();
  }
  listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return Promise.resolve([]);
  }
  restoreCheckpoint(): Promise<void> {
    return refuse();
  }
  deleteCheckpoint(): Promise<void> {
    return refuse();
  }

  private readonly _fileChanged = new Signal<
    Contents.IDrive,
    Contents.IChangedArgs
  >(this);
  private _isDisposed = false;
}

function refuse(): Promise<never> {
  return Promise.reject(
    new Error(
      trans.__(
        'An executed notebook of a run is only read. Choose “Save Notebook As…” for a copy.'
      )
    )
  );
}

function folderModel(path: string): Contents.IModel {
  return {
    name: path,
    path,
    type: 'directory',
    format: 'json',
    mimetype: '',
    content: [],
    created: '',
    last_modified: '',
    writable: false
  };
}
