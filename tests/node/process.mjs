// A child process whose lines are kept.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Process {
  constructor(program, args) {
    this.said = [];
    this.waiting = [];
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.said.push(line);
        this.waiting = this.waiting.filter((look) => !look(line));
      });
    }
    this.child.on('exit', (code) => {
      if (!this.ended) console.log(`${args[0]} ended with ${code}:\n${this.said.slice(-5).join('\n')}`);
    });
    process.on('exit', () => this.end());
  }

  // The first group of the first line that matches, from `from` on, said already or to come. A gate compiles its component before
  // its first line, and the machine may be busy.
  line(pattern, from = 0) {
    return new Promise((done, failed) => {
      const timer = setTimeout(() => failed(new Error(`no line matches ${pattern}`)), 120_000);
      const look = (line) => {
        const found = pattern.exec(line);
        if (found) { clearTimeout(timer); done(found[1]); }
        return found;
      };
      if (!this.said.slice(from).some(look)) this.waiting.push(look);
    });
  }

  end() {
    this.ended = true;
    this.child.kill();
  }
}
