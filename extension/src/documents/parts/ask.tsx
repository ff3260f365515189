/** Asks for the choices and the reason of an action, once, in one of JupyterLab's dialogs. */

import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { HTMLSelect } from '@jupyterlab/ui-components';
import React, { useId } from 'react';

import { trans } from '../../translation';

/** One thing to ask for. */
export interface IField {
  name: string;
  label: string;
  value?: string;
  /** A select of these instead of a line of text. */
  choices?: readonly string[];
  placeholder?: string;
  /** What it means, below it. */
  help?: string;
  required?: boolean;
}

export interface IAsked {
  title: string;
  /** What will happen. */
  text?: string;
  fields: readonly IField[];
  /** What the accepting button says. */
  accept: string;
  /** Whether it cannot be undone, or harms. */
  danger?: boolean;
}

/** What a person chose, by field; null when they thought better of it. */
export async function ask(
  asked: IAsked
): Promise<{ [name: string]: string } | null> {
  // With a widget the dialog takes the focus only once the page is idle; with a text at once.
  const body = asked.fields.length ? new Form(asked) : (asked.text ?? '');
  const accept = asked.danger ? Dialog.warnButton : Dialog.okButton;
  const result = await showDialog({
    title: asked.title,
    body,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      accept({ label: asked.accept })
    ]
  });
  return result.button.accept ? (result.value ?? {}) : null;
}

/** A text as one word of a line of the grammar: quoted where it must be. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text)
    ? text
    : `'${text.replace(/'/g, `'"'"'`)}'`;
}

class Form extends ReactWidget {
  constructor(private readonly _asked: IAsked) {
    super();
    this.addClass('mlnb-Ask');
    for (const field of _asked.fields) {
      this._values[field.name] = field.value ?? field.choices?.[0] ?? '';
    }
  }

  getValue(): { [name: string]: string } {
    return { ...this._values };
  }

  protected override render(): JSX.Element {
    return (
      <>
        {this._asked.text && <p>{this._asked.text}</p>}
        {this._asked.fields.map(field => (
          <FieldInput
            key={field.name}
            field={field}
            onChange={value => (this._values[field.name] = value)}
          />
        ))}
      </>
    );
  }

  private readonly _values: { [name: string]: string } = {};
}

function FieldInput({
  field,
  onChange
}: {
  field: IField;
  onChange: (value: string) => void;
}): JSX.Element {
  const id = useId();
  return (
    <div className="mlnb-Field">
      <label htmlFor={id}>{field.label}</label>
      {field.choices ? (
        <HTMLSelect
          id={id}
          defaultValue={field.value}
          options={[...field.choices]}
          onChange={event => onChange(event.target.value)}
        />
      ) : (
        <input
          id={id}
          className="jp-mod-styled"
          type="text"
          defaultValue={field.value}
          placeholder={field.placeholder}
          required={field.required}
          aria-describedby={field.help && `${id}-help`}
          onChange={event => onChange(event.target.value)}
        />
      )}
      {field.help && <p id={`${id}-help`}>{field.help}</p>}
    </div>
  );
}
