/** The plugins: the model, and the panel that shows it. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { Api } from './api';
import { mlnbIcon } from './icons';
import { MlnbModel } from './model';
import { LabActions } from './notebook';
import { PANEL_ID, PanelWidget } from './panel/widget';
import type { Change } from './records';
import { CHANGE_SCHEMA, CommandIDs, IMlnbModel } from './tokens';

export const modelPlugin: JupyterFrontEndPlugin<IMlnbModel> = {
  id: 'mlnb:model',
  description: 'Keeps what the mlnb project holds up to date.',
  autoStart: true,
  provides: IMlnbModel,
  activate: (app: JupyterFrontEnd): IMlnbModel => {
    const { events, serverSettings } = app.serviceManager;
    const model = new MlnbModel(new Api(serverSettings));
    events.stream.connect((_, emission) => {
      if (emission.schema_id === CHANGE_SCHEMA) {
        model.receive(emission as unknown as Change);
      }
    });
    return model;
  }
};

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
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    model: IMlnbModel,
    shell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null,
    settings: ISettingRegistry | null
  ): void => {
    const panel = new PanelWidget(
      model,
      new LabActions(app.commands, notebooks)
    );
    app.shell.add(panel, 'left', { rank: 600, type: 'mlnb' });
    restorer?.add(panel, PANEL_ID);
    addCommands(app, model, palette);
    if (shell) {
      followFolder(app, shell, model);
    }
    if (settings) {
      void followSettings(settings, model);
    }
  }
};

/** Show the project of the notebook in use; without one, of the last. */
function followFolder(
  app: JupyterFrontEnd,
  shell: ILabShell,
  model: IMlnbModel
): void {
  const { contents } = app.serviceManager;
  const follow = (path: string): void => {
    if (path) {
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
    label: 'mlnb: Show panel',
    caption: 'Show runs, datasets, models, endpoints and pipelines',
    icon: mlnbIcon,
    describedBy: NO_ARGUMENTS,
    execute: () => app.shell.activateById(PANEL_ID)
  });
  app.commands.addCommand(CommandIDs.refresh, {
    label: 'mlnb: Refresh',
    caption: 'Read the project again',
    describedBy: NO_ARGUMENTS,
    execute: async () => {
      app.shell.activateById(PANEL_ID);
      await model.refresh();
    }
  });
  for (const command of Object.values(CommandIDs)) {
    palette?.addItem({ command, category: 'mlnb' });
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
