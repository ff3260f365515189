/** A button that does what a line of mlnb's grammar says, and so teaches it. */

import type { LabIcon } from '@jupyterlab/ui-components';
import { Button } from '@jupyterlab/ui-components';
import React from 'react';

import { usePanel } from '../../panel/context';

export interface IActionButtonProps {
  label: string;
  icon?: LabIcon;
  /** The line, or what asks for it: null when the person thought better of it. */
  line: string | (() => Promise<string | null>);
  /** What the line looks like, when it is asked for. */
  example?: string;
  danger?: boolean;
  /** What to ask before. */
  confirm?: string;
  /** Whether it is a background job in any case: it takes long, or must not wait. */
  background?: boolean;
  disabled?: boolean;
}

export function ActionButton(props: IActionButtonProps): JSX.Element {
  const { actions } = usePanel();
  const { line, icon: Icon } = props;
  const perform = async (): Promise<void> => {
    const said = typeof line === 'string' ? line : await line();
    if (said) {
      const { confirm, background } = props;
      actions.perform(said, { confirm, background });
    }
  };
  return (
    <Button
      minimal
      small
      className={`mlnb-Action${props.danger ? ' mlnb-mod-danger' : ''}`}
      disabled={props.disabled}
      title={typeof line === 'string' ? line : (props.example ?? props.label)}
      onClick={() => void perform()}
    >
      {Icon && <Icon.react tag="span" />}
      {props.label}
    </Button>
  );
}
