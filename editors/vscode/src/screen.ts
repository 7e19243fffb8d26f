/** The dialogs of VS Code, for the questions of `mpp`. */

import * as vscode from "vscode";

import type { Choice, Screen } from "./approvals";
import type { Desk } from "./desk";
import type { Detailed, Question } from "./documents";
import { inert, plain } from "./inert";
import type { Texts } from "./texts";
import { detailsText } from "./words";

export const WORDS: Readonly<Record<Exclude<Choice, "later">, string>> = {
  details: "Show Everything",
  no: "No",
  yes: "Yes, Once",
  terminal: "Answer in Terminal…",
};

export class Dialogs implements Screen {
  constructor(
    private readonly desk: Desk,
    private readonly texts: Texts,
    private readonly answered: () => void,
    private readonly again: (id: string) => void,
  ) {}

  async choose(question: Question, choices: readonly Choice[], note: string): Promise<Choice> {
    // The words of a question are those of `mpp`, the same on every channel; nothing of them is a heading or a button of ours.
    // Our note stands before them: what follows may be longer than the window.
    const detail = `${note}\n\n${plain(question.text)}`;
    const items = choices.filter((one): one is Exclude<Choice, "later"> => one !== "later").map((one) => WORDS[one]);
    // Closing the dialog is no answer: the question goes on waiting.
    const chosen = await vscode.window.showWarningMessage(`MPP asks about one call (${question.ref})`, { modal: true, detail }, ...items);
    return choices.find((one) => one !== "later" && WORDS[one] === chosen) ?? "later";
  }

  async open(found: Detailed): Promise<void> {
    await this.texts.show(`question ${found.question.ref}`, detailsText(found));
    const answer = "Answer";
    void vscode.window.showInformationMessage(`Everything about question ${found.question.ref} is open.`, answer).then((chosen) => {
      if (chosen === answer) this.again(found.question.id);
    });
  }

  async passphrase(question: Question): Promise<string | undefined> {
    const given = await vscode.window.showInputBox({
      title: `Yes to ${question.ref}`,
      prompt: "Passphrase of your approver's key. It is used for this answer and not kept.",
      password: true,
      ignoreFocusOut: true,
    });
    return given === "" ? undefined : given;
  }

  terminal(question: Question): void {
    this.desk.terminal(`mpp approve ${question.ref}`, ["approve", "answer", question.id]);
  }

  tell(words: string): void {
    void vscode.window.showInformationMessage(inert(words));
    this.answered();
  }
}
