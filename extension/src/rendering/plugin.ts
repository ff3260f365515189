/** The plugin that draws what mlnb stores in notebooks. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { CommandIDs } from '../tokens';
import type { ICardContext } from './context';
import { MIME_TYPE } from './formats';
import { preferLive } from './live';
import { StoredRenderer } from './renderer';

/** Before HTML (50), which is stored beside it; an output that is live comes before it (`live`). */
const RANK = 40;

/** A notebook's resolver knows where it is; the interface leaves that out. */
type IResolver = IRenderMime.IResolver & { readonly path?: string };

export const renderingPlugin: JupyterFrontEndPlugin<void> = {
  id: 'mlnb:rendering',
  description: "Draws mlnb's results in the outputs of notebooks.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    notebooks: INotebookTracker | null
  ): void => {
    const open =
      (resolver: IResolver | null): ICardContext['open'] =>
      (kind, id) => {
        const folder = PathExt.dirname(resolver?.path ?? '');
        void app.commands.execute(CommandIDs.open, { kind, id, folder });
      };
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [MIME_TYPE],
        createRenderer: ({ resolver }) =>
          new StoredRenderer(
            rendermime.clone({ resolver: resolver ?? undefined }),
            app.commands.hasCommand(CommandIDs.open) ? open(resolver) : null
          )
      },
      RANK
    );
    if (notebooks) {
      preferLive(notebooks);
    }
  }
};
