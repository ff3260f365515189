/** A document as a widget of JupyterLab's main area. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React, { useEffect, useState } from 'react';

import type { IApi } from '../api';
import { asProblem } from '../api';
import type { IActions } from '../notebook';
import { PanelContext } from '../panel/context';
import type { Place, Problem } from '../records';
import type { IMlnbModel } from '../tokens';
import type { IDocumentContext } from './context';
import { DocumentContext } from './context';
import type { IDocumentKind } from './kinds';
import { Waiting } from './parts/frame';

export interface IDocumentParts {
  api: IApi;
  model: IMlnbModel;
  actions: IActions;
  rendermime: IRenderMimeRegistry | null;
  folder: string;
}

export class DocumentContent extends ReactWidget {
  constructor(
    private readonly _kind: IDocumentKind,
    readonly key: string,
    private readonly _parts: IDocumentParts
  ) {
    super();
    this.addClass('mlnb-Document');
    this.title.label = _kind.title(key);
    this.title.caption = this.title.label;
    this.title.icon = _kind.icon;
    this.title.closable = true;
    this.node.setAttribute('aria-label', this.title.label);
    this.node.tabIndex = -1;
  }

  protected override render(): JSX.Element {
    const { actions } = this._parts;
    const setTitle = (title: string): void => {
      if (title !== this.title.label) {
        this.title.label = title;
        this.title.caption = title;
        this.node.setAttribute('aria-label', title);
      }
    };
    return (
      <Document
        kind={this._kind}
        id={this.key}
        {...this._parts}
        visible={this.isVisible}
        setTitle={setTitle}
        open={(kind, id) => actions.openDocument(kind, id)}
      />
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.update();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.focus();
  }
}

type IDocumentProps = Omit<IDocumentContext, 'project'> & {
  kind: IDocumentKind;
  id: string;
};

/** Finds out which project the document is of; then shows it. */
function Document({ kind, id, ...parts }: IDocumentProps): JSX.Element {
  const [project, setProject] = useState<Place | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { api, folder, model } = parts;
  useEffect(() => {
    let current = true;
    const look = (): void => {
      api.ask('GET /project', { folder }).then(
        place => {
          if (current) {
            setProject(place);
            setProblem(null);
            model.changed.disconnect(look);
          }
        },
        (reason: unknown) => current && setProblem(asProblem(reason))
      );
    };
    look();
    model.changed.connect(look); // the server may answer later
    return () => {
      current = false;
      model.changed.disconnect(look);
    };
  }, [api, folder, model]);
  if (!project) {
    return <Waiting problem={problem} />;
  }
  return (
    <PanelContext.Provider value={{ actions: parts.actions, project }}>
      <DocumentContext.Provider value={{ ...parts, project }}>
        <kind.Component id={id} />
      </DocumentContext.Provider>
    </PanelContext.Provider>
  );
}
