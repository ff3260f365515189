/** The plugin with all that mlnb adds to notebooks. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IStatusBar } from '@jupyterlab/statusbar';
import { LabIcon } from '@jupyterlab/ui-components';

import headlessSvg from '../../style/icons/headless.svg';
import { Api } from '../api';
import { CommandIDs, IMlnbModel } from '../tokens';
import { trans } from '../translation';
import { openExecuted } from './executed';
import type { IHeadless } from './headless';
import { runHeadless } from './headless';
import { RunStatus } from './run-status';
import { addTagCommands } from './tags';

const RUN_HEADLESS = 'mlnb:run-headless';

export const notebookPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlnb:notebook',
  description: 'Runs notebooks headlessly, and marks their cells.',
  autoStart: true,
  requires: [IMlnbModel],
  optional: [INotebookTracker, ICommandPalette, IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    model: IMlnbModel,
    notebooks: INotebookTracker | null,
    palette: ICommandPalette | null,
    statusBar: IStatusBar | null
  ): void => {
    if (!notebooks) {
      return;
    }
    const around: IHeadless = {
      api: new Api(app.serviceManager.serverSettings),
      model,
      open: (kind, id, folder) =>
        void app.commands.execute(CommandIDs.open, { kind, id, folder }),
      openExecuted: path => void openExecuted(app.commands, path)
    };
    app.commands.addCommand(RUN_HEADLESS, {
      label: args =>
        args.toolbar ? '' : trans.__('mlnb: Run notebook headless…'),
      caption: trans.__('Run headless…'),
      icon: new LabIcon({ name: 'mlnb:headless', svgstr: headlessSvg }),
      isEnabled: () => notebooks.currentWidget !== null,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        const panel = notebooks.currentWidget;
        if (panel) {
          await runHeadless(panel, around);
        }
      }
    });
    notebooks.currentChanged.connect(() =>
      app.commands.notifyCommandChanged(RUN_HEADLESS)
    );
    palette?.addItem({ command: RUN_HEADLESS, category: trans.__('mlnb') });
    addTagCommands(app, notebooks);
    if (statusBar) {
      const item = new RunStatus({
        api: around.api,
        model,
        notebooks,
        open: (run, folder) => around.open('run', run, folder)
      });
      statusBar.registerStatusItem('mlnb:run', {
        item,
        align: 'left',
        rank: 90,
        isActive: () => item.isActive,
        activeStateChanged: item.activeChanged
      });
    }
  }
};
