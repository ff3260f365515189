/** The plugin that opens executed notebooks of pipeline runs. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';

import { Api } from '../api';
import { CommandIDs } from '../tokens';
import { trans } from '../translation';
import { RunsDrive } from './drive';
import { openExecuted } from './open';

const ARGUMENTS = {
  args: {
    type: 'object',
    required: ['folder', 'run', 'step'],
    properties: {
      folder: { type: 'string', description: 'Whose project is meant' },
      run: { type: 'string', description: 'Which run of a pipeline' },
      step: { type: 'string', description: 'Which step of it' }
    }
  }
} as const;

export const executedPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlnb:executed',
  description: 'Opens notebooks as pipeline runs have executed them.',
  autoStart: true,
  requires: [IDocumentManager],
  activate: (app: JupyterFrontEnd, documents: IDocumentManager): void => {
    const { contents, serverSettings } = app.serviceManager;
    contents.addDrive(new RunsDrive(new Api(serverSettings), serverSettings));
    app.commands.addCommand(CommandIDs.openExecuted, {
      label: trans.__('mlnb: Open an executed notebook'),
      describedBy: ARGUMENTS,
      execute: async ({ folder, run, step }) => {
        try {
          await openExecuted(
            documents,
            folder as string,
            run as string,
            step as string
          );
        } catch (reason) {
          const error = reason instanceof Error ? reason : String(reason);
          await showErrorMessage(trans.__('It cannot be opened'), error);
        }
      }
    });
  }
};
