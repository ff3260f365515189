/**
 * A widget in an output is shown while its kernel knows it; after that, what is stored beside it.
 *
 * A saved notebook keeps the reference to a widget whose model went with the kernel, and Jupyter's
 * widget manager, which is asked first, shows an error in its place.
 */

import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel } from '@lumino/widgets';

import { MIME_TYPE } from './formats';

export const WIDGET_TYPE = 'application/vnd.jupyter.widget-view+json';
/** Before the widget manager's own, which has -10. */
const RANK = -20;

/** Make outputs that have both forms show the stored one until the widget is there. */
export function preferLive(notebooks: INotebookTracker): void {
  notebooks.widgetAdded.connect((_, panel) => prefer(panel));
}

function prefer(panel: NotebookPanel): void {
  const { rendermime } = panel.content;
  const stored = rendermime.getFactory(MIME_TYPE);
  if (!stored) {
    return;
  }
  rendermime.removeMimeType(MIME_TYPE);
  rendermime.addFactory(
    {
      safe: true,
      mimeTypes: [MIME_TYPE],
      createRenderer: options =>
        new LiveRenderer(rendermime, stored.createRenderer(options))
    },
    RANK
  );
}

/** Shows what is stored, and the widget in its place as soon as there is one. */
export class LiveRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly _rendermime: IRenderMimeRegistry,
    private readonly _stored: IRenderMime.IRenderer
  ) {
    super();
    this.addWidget(_stored);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    await this._stored.renderModel(model);
    const view = model.data[WIDGET_TYPE];
    if (view && model.trusted && this._rendermime.getFactory(WIDGET_TYPE)) {
      this._goLive(model).catch(console.warn);
    }
  }

  override dispose(): void {
    this._watch?.disconnect();
    super.dispose();
  }

  private async _goLive(model: IRenderMime.IMimeModel): Promise<void> {
    const live = this._rendermime.createRenderer(WIDGET_TYPE);
    live.hide();
    this.addWidget(live);
    // The manager says in words that it knows no such widget; one it knows becomes a child, after a
    // reload of the page only when the kernel has told of it.
    this._watch = new MutationObserver(() => {
      const isLive = live.node.querySelector(':scope > .lm-Widget') !== null;
      this._stored.setHidden(isLive);
      live.setHidden(!isLive);
    });
    this._watch.observe(live.node, { childList: true });
    await live.renderModel(model);
  }

  private _watch: MutationObserver | null = null;
}
