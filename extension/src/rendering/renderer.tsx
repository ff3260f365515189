/** Draws `application/vnd.mlnb.v1+json` in an output; where it cannot, the HTML stored beside it. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';
import { Panel } from '@lumino/widgets';
import React from 'react';

import { cardOf } from './cards';
import type { ICardContext } from './context';
import { CardContext } from './context';
import { MIME_TYPE, read } from './formats';

/** What else an output may be shown by, the best first. */
const FALLBACKS = ['text/html', 'text/markdown', 'text/plain'];

export class StoredRenderer extends Panel implements IRenderMime.IRenderer {
  /**
   * @param _rendermime - Renders what has no card.
   * @param _open - Opens the document of what is shown; null where there are none.
   */
  constructor(
    private readonly _rendermime: IRenderMimeRegistry,
    private readonly _open: ICardContext['open']
  ) {
    super();
    this.addClass('mlnb-Stored');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const stored = read(model.data[MIME_TYPE]);
    const card = stored && cardOf(stored);
    if (!stored || !card) {
      await this._fallBack(model);
      return;
    }
    const context = { open: this._open, cut: stored.cut };
    const shown = ReactWidget.create(
      <Guard onFailure={() => void this._fallBack(model)}>
        <CardContext.Provider value={context}>{card}</CardContext.Provider>
      </Guard>
    );
    this._show(shown);
    await shown.renderPromise;
  }

  private async _fallBack(model: IRenderMime.IMimeModel): Promise<void> {
    const type = FALLBACKS.find(candidate => candidate in model.data);
    if (type) {
      const renderer = this._rendermime.createRenderer(type);
      this._show(renderer);
      await renderer.renderModel(model);
    }
  }

  private _show(widget: Widget): void {
    for (const shown of [...this.widgets]) {
      shown.dispose();
    }
    this.addWidget(widget);
  }
}

/** Lets a damaged record fail alone. */
class Guard extends React.Component<
  { onFailure: () => void; children: React.ReactNode },
  { failed: boolean }
> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(reason: unknown): void {
    console.warn('mlnb: a stored result cannot be drawn.', reason);
    this.props.onFailure();
  }

  override render(): React.ReactNode {
    return this.state.failed ? null : this.props.children;
  }
}
