/** The panel as a widget of JupyterLab's left side. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { mlnbIcon } from '../icons';
import type { IActions } from '../notebook';
import { trans } from '../translation';
import { Panel } from './panel';
import type { ISide } from './side';

export const PANEL_ID = 'mlnb-panel';

/** How many frames a panel that is shown for the first time may take to be drawn. */
const FRAMES = 60;

export class PanelWidget extends ReactWidget {
  constructor(
    private readonly _side: ISide,
    private readonly _actions: IActions
  ) {
    super();
    this.id = PANEL_ID;
    this.title.icon = mlnbIcon;
    this.title.caption = trans.__(
      'mlnb: runs, datasets, models, endpoints, pipelines'
    );
    this.addClass('mlnb-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'mlnb');
  }

  protected override render(): JSX.Element {
    return <Panel side={this._side} actions={this._actions} />;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._side.model.visible = true;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._side.model.visible = this.isVisible;
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._side.model.visible = false;
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this._focus(FRAMES);
  }

  /** Focus the first stop once it is drawn, and after the palette has given the focus back. */
  private _focus(frames: number): void {
    requestAnimationFrame(() => {
      const stop = this.node.querySelector<HTMLElement>('[data-mlnb-stop]');
      if (stop) {
        stop.focus();
      } else if (frames > 0) {
        this._focus(frames - 1);
      }
    });
  }
}
