/** The run that the notebook in use tracks, in the status bar. */

import { PathExt } from '@jupyterlab/coreutils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import React from 'react';

import type { Answer, IApi } from '../api';
import { useNow } from '../panel/context';
import { browserPath } from '../paths';
import type { Change } from '../records';
import { duration, number } from '../text';
import type { IMlnbModel } from '../tokens';
import { trans } from '../translation';

type Run = Answer<'GET /runs'>['items'][number];

/** Milliseconds between two looks at a run that goes on: its metrics change silently. */
const LOOK_EVERY = 3000;
const RUNNING = 'RUNNING';

export interface IRunStatusOptions {
  api: IApi;
  model: IMlnbModel;
  notebooks: INotebookTracker;
  open: (run: string, folder: string) => void;
}

export class RunStatus extends ReactWidget {
  constructor(private readonly _options: IRunStatusOptions) {
    super();
    this.addClass('mlnb-RunStatus');
    const { model, notebooks } = _options;
    notebooks.currentChanged.connect(() => this._ask(), this);
    model.pushed.connect((_, change) => this._onPushed(change), this);
    this._ask();
  }

  /** Whether there is a run to show. */
  get isActive(): boolean {
    return this._run !== null;
  }

  readonly activeChanged = new Signal<this, void>(this);

  override dispose(): void {
    window.clearTimeout(this._timer);
    Signal.clearData(this);
    super.dispose();
  }

  protected override render(): JSX.Element | null {
    const run = this._run;
    return run ? (
      <Item
        run={run}
        onClick={() => this._options.open(run.id, this._folder())}
      />
    ) : null;
  }

  private _onPushed(change: Change): void {
    if (change.folder === this._folder() && change.sections.includes('runs')) {
      this._ask();
    }
  }

  private _path(): string {
    return this._options.notebooks.currentWidget?.context.localPath ?? '';
  }

  private _folder(): string {
    return PathExt.dirname(this._path());
  }

  private _ask(): void {
    window.clearTimeout(this._timer);
    const path = this._path();
    this._find(path).then(
      run => {
        if (path === this._path() && !this.isDisposed) {
          this._show(run);
        }
      },
      () => this._show(null) // the panel says what is wrong
    );
  }

  private async _find(path: string): Promise<Run | null> {
    if (!path) {
      return null;
    }
    const { api } = this._options;
    const folder = PathExt.dirname(path);
    const [place, { items }] = await Promise.all([
      api.ask('GET /project', { folder }),
      api.ask('GET /runs', { folder, limit: 20 })
    ]);
    const own = items.filter(
      run => run.status === RUNNING && browserPath(place, run.notebook) === path
    );
    return own[0] ?? null;
  }

  private _show(run: Run | null): void {
    const before = this._run;
    this._run = run;
    this.update();
    if ((before === null) !== (run === null)) {
      this.activeChanged.emit();
    }
    if (run) {
      this._timer = window.setTimeout(() => this._ask(), LOOK_EVERY);
    }
  }

  private _run: Run | null = null;
  private _timer = 0;
}

function Item({
  run,
  onClick
}: {
  run: Run;
  onClick: () => void;
}): JSX.Element {
  const now = useNow(1000);
  const metric = Object.entries(run.metrics).at(-1);
  const words = [run.name, duration(run.started, null, now)];
  if (metric) {
    words.push(`${metric[0]} ${number(metric[1])}`);
  }
  return (
    <button
      type="button"
      title={trans.__('mlnb tracks this run: open it')}
      onClick={onClick}
    >
      <span className="mlnb-Dot mlnb-mod-busy" aria-hidden="true" />
      <span>{words.join(' · ')}</span>
    </button>
  );
}
