import type { Node } from '../graph/node.ts';

/** Nodes in an array that is kept from pass to pass, as one that grows anew leaves much garbage. */
export class NodeList {
  private readonly nodes: (Node | undefined)[] = [];
  length = 0;

  push(node: Node): void {
    this.nodes[this.length++] = node;
  }

  at(i: number): Node {
    return this.nodes[i]!;
  }

  /** Every edge leads to a smaller id, so falling ids meet a node after all its users. */
  sortByFallingId(): void {
    for (let i = 1; i < this.length; i++) {
      if (this.nodes[i - 1]!.id > this.nodes[i]!.id) continue;
      const sorted = (this.nodes.slice(0, this.length) as Node[]).sort((x, y) => y.id - x.id);
      for (let k = 0; k < sorted.length; k++) this.nodes[k] = sorted[k];
      return;
    }
  }

  clear(): void {
    for (let i = 0; i < this.length; i++) this.nodes[i] = undefined;
    this.length = 0;
  }
}
