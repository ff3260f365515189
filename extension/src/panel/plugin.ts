/** The plugin that shows the project in a panel at the left. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';

import { Api } from '../api';
import { DRIVE } from '../executed/drive';
import { mlnbIcon } from '../icons';
import { LabActions } from '../notebook';
import { CommandIDs, IMlnbModel, SECTIONS } from '../tokens';
import { trans } from '../translation';
import { PanelLayout } from './layout';
import { PanelMenus } from './menus';
import { Selection } from './selection';
import { PANEL_ID, PanelWidget } from './widget';

/** Milliseconds after JupyterLab is there until the lists are fetched for who looks later. */
const CALM = 1500;

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlnb:plugin',
  description: 'Shows the mlnb project in a panel at the left.',
  autoStart: true,
  requires: [IMlnbModel],
  optional: [
    ILabShell,
    ILayoutRestorer,
    ICommandPalette,
    INotebookTracker,
    ISettingRegistry,
    IStateDB
  ],
  activate: (
    app: JupyterFrontEnd,
    model: IMlnbModel,
    shell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null,
    settings: ISettingRegistry | null,
    state: IStateDB | null
  ): void => {
    const actions = new LabActions(
      app.commands,
      notebooks,
      () => model.folder,
      new Api(app.serviceManager.serverSettings),
      model
    );
    const layout = new PanelLayout(state);
    const selections = {
      runs: new Selection(),
      datasets: new Selection(),
      models: new Selection(),
      endpoints: new Selection(),
      pipelines: new Selection()
    };
    const menus = new PanelMenus({ app, model, layout, actions, selections });
    const panel = new PanelWidget(
      { model, layout, selections, menus },
      actions
    );
    app.shell.add(panel, 'left', { rank: 600, type: 'mlnb' });
    restorer?.add(panel, PANEL_ID);
    addCommands(app, model, palette);
    void restore(layout, model);
    if (shell) {
      followFolder(app, shell, model);
    }
    if (settings) {
      void followSettings(settings, model);
    }
    void app.restored.then(() => {
      window.setTimeout(() => void model.prepare(), CALM);
    });
  }
};

async function restore(layout: PanelLayout, model: IMlnbModel): Promise<void> {
  await layout.restore();
  for (const section of SECTIONS) {
    if (layout.order(section)) {
      model.setOrder(section, layout.order(section));
    }
  }
}

/** Show the project of the notebook in use; without one, of the last. */
function followFolder(
  app: JupyterFrontEnd,
  shell: ILabShell,
  model: IMlnbModel
): void {
  const { contents } = app.serviceManager;
  const follow = (path: string): void => {
    // an executed notebook of a run lies in no folder of the file browser
    if (path && contents.driveName(path) !== DRIVE) {
      model.folder = PathExt.dirname(contents.localPath(path));
    }
  };
  shell.currentPathChanged.connect((_, change) => follow(change.newValue));
}

const NO_ARGUMENTS = { args: { type: 'object', properties: {} } } as const;

function addCommands(
  app: JupyterFrontEnd,
  model: IMlnbModel,
  palette: ICommandPalette | null
): void {
  app.commands.addCommand(CommandIDs.showPanel, {
    label: trans.__('mlnb: Show panel'),
    caption: trans.__('Show runs, datasets, models, endpoints and pipelines'),
    icon: mlnbIcon,
    describedBy: NO_ARGUMENTS,
    execute: () => app.shell.activateById(PANEL_ID)
  });
  app.commands.addCommand(CommandIDs.refresh, {
    label: trans.__('mlnb: Refresh'),
    caption: trans.__('Read the project again'),
    describedBy: NO_ARGUMENTS,
    execute: async () => {
      app.shell.activateById(PANEL_ID);
      await model.refresh();
    }
  });
  app.commands.addCommand(CommandIDs.jobs, {
    label: trans.__('mlnb: Show background jobs'),
    caption: trans.__('Show what runs in the background, and what it says'),
    icon: mlnbIcon,
    describedBy: NO_ARGUMENTS,
    execute: () =>
      app.commands.execute(CommandIDs.open, { kind: 'job', id: 'all' })
  });
  app.commands.addCommand(CommandIDs.pipelines, {
    label: trans.__('mlnb: Show pipelines'),
    caption: trans.__(
      'Show pipeline files, what they would do, and their runs'
    ),
    icon: mlnbIcon,
    describedBy: NO_ARGUMENTS,
    execute: () =>
      app.commands.execute(CommandIDs.open, { kind: 'pipeline', id: 'all' })
  });
  for (const command of [
    CommandIDs.showPanel,
    CommandIDs.refresh,
    CommandIDs.pipelines,
    CommandIDs.jobs
  ]) {
    palette?.addItem({ command, category: trans.__('mlnb') });
  }
}

async function followSettings(
  registry: ISettingRegistry,
  model: IMlnbModel
): Promise<void> {
  try {
    const settings = await registry.load(panelPlugin.id);
    const apply = (): void => {
      model.refreshInterval = settings.get('refreshInterval')
        .composite as number;
    };
    apply();
    settings.changed.connect(apply);
  } catch (reason) {
    console.error('mlnb: the settings could not be loaded.', reason);
  }
}
