/** The panel as a widget of JupyterLab's left side. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import { mlnbIcon } from '../icons';
import type { IActions } from '../notebook';
import type { IMlnbModel } from '../tokens';
import { Panel } from './panel';

export const PANEL_ID = 'mlnb-panel';

export class PanelWidget extends ReactWidget {
  constructor(
    private readonly _model: IMlnbModel,
    private readonly _actions: IActions
  ) {
    super();
    this.id = PANEL_ID;
    this.title.icon = mlnbIcon;
    this.title.caption = 'mlnb: runs, datasets, models, endpoints, pipelines';
    this.addClass('mlnb-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'mlnb');
  }

  protected override render(): JSX.Element {
    const model = this._model;
    return (
      <UseSignal signal={model.changed}>
        {() => (
          <Panel model={model} state={model.state} actions={this._actions} />
        )}
      </UseSignal>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._model.visible = true;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._model.visible = this.isVisible;
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._model.visible = false;
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.querySelector<HTMLElement>('[data-mlnb-stop]')?.focus();
  }
}
