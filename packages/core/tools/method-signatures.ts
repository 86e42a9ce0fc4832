import { dirname, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

/** A function as the compiler sees it. */
export interface FunctionSignatures {
  readonly name: string;
  readonly overloads: readonly Overload[];
}

export interface Overload {
  /** `<T extends …>`, or nothing. */
  readonly typeParameters: string;
  readonly parameters: readonly Parameter[];
  readonly returns: string;
  /** The comment before the declaration, as it stands there; empty if there is none. */
  readonly documentation: string;
  /** Whether the first parameter may be an object of the class asked for. */
  readonly takesInstance: boolean;
}

export interface Parameter {
  /** With `...` where it takes the rest and `?` where it may be left out. */
  readonly name: string;
  readonly type: string;
}

/** What the compiler says of some modules, in texts that hold in a file of the same folder as `generated`. */
export interface Reading {
  /** The functions that each module exports, in the order asked for. */
  readonly modules: readonly (readonly FunctionSignatures[])[];
  /** Names of the types that the texts use, and the modules that export them, as import paths. */
  readonly imports: ReadonlyMap<string, string>;
  /** Names of what the class declares itself. */
  readonly classMembers: ReadonlySet<string>;
  /** What is wrong with the declarations. */
  readonly problems: readonly string[];
}

/** Types of the language that need no import. */
const GLOBAL_TYPES = new Set([
  'Promise',
  'Array',
  'ReadonlyArray',
  'Record',
  'Readonly',
  'Partial',
  'Map',
  'ReadonlyMap',
  'Iterable',
]);

interface Request {
  /** The repository's root. */
  readonly root: string;
  /** The file to be generated. What it says now does not count. */
  readonly generated: string;
  /** Its content without any member. */
  readonly blank: string;
  /** Modules whose exported functions are asked for. */
  readonly modules: readonly string[];
  /** The class whose own members are asked for, and which functions may take, with its file. */
  readonly class: { readonly file: string; readonly name: string };
}

/** Reads signatures and documentation of all functions that some modules export. */
export function readSignatures(request: Request): Reading {
  // A file that exists in the compiler only: names no type, so that every type comes with the module it is from.
  const entry = resolve(dirname(request.generated), 'signatures.virtual.ts');
  const specifiers = request.modules.map((module) => specifierFrom(entry, module));
  const text = specifiers.map((specifier, i) => `export * as m${i} from '${specifier}';\n`).join('');
  const program = createProgram(request, entry, text);
  return new SignatureReader(program, program.getSourceFile(entry)!, request).read();
}

function specifierFrom(file: string, target: string): string {
  const path = relative(dirname(file), target).split(sep).join('/');
  return path.startsWith('.') ? path : `./${path}`;
}

function createProgram(request: Request, entry: string, text: string): ts.Program {
  const config = ts.readConfigFile(resolve(request.root, 'tsconfig.base.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config.config, files: [] }, ts.sys, request.root);
  // Without Node's types: signatures do not need them, and reading them takes longer than all the rest.
  const settings: ts.CompilerOptions = {
    ...options,
    types: [],
    composite: false,
    incremental: false,
    emitDeclarationOnly: false,
    noEmit: true,
  };
  const host = ts.createCompilerHost(settings);
  const virtual = new Map([
    [entry, text],
    [request.generated, request.blank],
  ]);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => virtual.has(resolve(name)) || fileExists(name);
  host.getSourceFile = (name, languageVersion, ...rest) => {
    const content = virtual.get(resolve(name));
    return content === undefined
      ? getSourceFile(name, languageVersion, ...rest)
      : ts.createSourceFile(name, content, languageVersion, true);
  };
  return ts.createProgram([entry], settings, host);
}

class SignatureReader {
  private readonly program: ts.Program;
  private readonly checker: ts.TypeChecker;
  private readonly entry: ts.SourceFile;
  private readonly request: Request;
  private readonly printer = ts.createPrinter({ removeComments: true });
  private readonly imports = new Map<string, string>();
  private readonly problems: string[] = [];

  constructor(program: ts.Program, entry: ts.SourceFile, request: Request) {
    this.program = program;
    this.checker = program.getTypeChecker();
    this.entry = entry;
    this.request = request;
  }

  read(): Reading {
    const modules = this.request.modules.map((module) => this.functionsOf(module));
    return { modules, imports: this.imports, classMembers: this.classMembers(), problems: this.problems };
  }

  private functionsOf(module: string): FunctionSignatures[] {
    const symbol = this.checker.getSymbolAtLocation(this.program.getSourceFile(module)!)!;
    const functions: FunctionSignatures[] = [];
    for (const exported of this.checker.getExportsOfModule(symbol)) {
      const declared = this.declaredSymbol(exported);
      if (!(declared.flags & ts.SymbolFlags.Value)) continue;
      const signatures = this.checker.getTypeOfSymbol(declared).getCallSignatures();
      if (signatures.length === 0) continue;
      const overloads = signatures.map((signature) => this.overload(exported.name, declared, signature));
      functions.push({ name: exported.name, overloads });
    }
    return functions;
  }

  private declaredSymbol(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }

  private overload(name: string, symbol: ts.Symbol, signature: ts.Signature): Overload {
    const node = this.checker.signatureToSignatureDeclaration(
      signature,
      ts.SyntaxKind.MethodSignature,
      this.entry,
      ts.NodeBuilderFlags.NoTruncation,
    ) as ts.MethodSignature;
    const typeParameters = (node.typeParameters ?? []).map((parameter) => this.text(name, parameter, node));
    return {
      typeParameters: typeParameters.length === 0 ? '' : `<${typeParameters.join(', ')}>`,
      parameters: node.parameters.map((parameter) => this.parameter(name, parameter, node)),
      returns: this.text(name, node.type!, node),
      documentation: documentationOf(signature.declaration) || documentationOf(symbol.declarations?.[0]),
      takesInstance: this.takesInstance(signature),
    };
  }

  private takesInstance({ parameters: [first], declaration }: ts.Signature): boolean {
    if (first === undefined) return false;
    const given = this.checker.getTypeOfSymbol(first);
    const parameter = declaration?.parameters[0];
    const isRest =
      parameter !== undefined && ts.isParameter(parameter) && parameter.dotDotDotToken !== undefined;
    // Of a list of parameters that was inferred as a whole, the first; of a true rest parameter, none.
    const type = !isRest
      ? given
      : this.checker.isTupleType(given)
        ? this.checker.getTypeArguments(given as ts.TypeReference)[0]
        : undefined;
    const { file, name } = this.request.class;
    return (type?.isUnion() ? type.types : [type]).some((member) => {
      const symbol = member?.getSymbol();
      return (
        symbol?.name === name &&
        symbol.declarations?.some((at) => resolve(at.getSourceFile().fileName) === file)
      );
    });
  }

  private parameter(
    name: string,
    parameter: ts.ParameterDeclaration,
    signature: ts.MethodSignature,
  ): Parameter {
    const rest = parameter.dotDotDotToken === undefined ? '' : '...';
    const optional = parameter.questionToken !== undefined;
    const own = (parameter.name as ts.Identifier).text;
    const type = this.text(`${name}(${own})`, parameter.type!, signature);
    return {
      name: `${rest}${own}${optional ? '?' : ''}`,
      // What may be left out may be undefined.
      type: optional ? type.replace(/ \| undefined$/, '') : type,
    };
  }

  /** A type as text; notes the imports that it needs. */
  private text(where: string, node: ts.Node, signature: ts.MethodSignature): string {
    this.checkNames(where, node, signature);
    return this.printer
      .printNode(ts.EmitHint.Unspecified, node, this.entry)
      .replaceAll(
        /import\("([^"]+)"(?:, \{[^}]*\{[^}]*\}[^}]*\})?\)\.(\w+)/g,
        (_, module: string, type: string) => this.use(where, type, module),
      )
      .replaceAll(/\bm(\d+)\.(\w+)/g, (_, index: string, type: string) =>
        this.use(where, type, this.moduleOf(Number(index), type)),
      );
  }

  /** The module that declares a type which one of the requested modules passes on. */
  private moduleOf(index: number, type: string): string {
    const module = this.checker.getSymbolAtLocation(
      this.program.getSourceFile(this.request.modules[index]!)!,
    )!;
    const symbol = this.checker.getExportsOfModule(module).find((exported) => exported.name === type)!;
    return specifierFrom(
      this.request.generated,
      this.declaredSymbol(symbol).declarations![0]!.getSourceFile().fileName,
    );
  }

  private use(where: string, type: string, module: string): string {
    const known = this.imports.get(type);
    if (known !== undefined && known !== module)
      this.problems.push(`${where}: ${type} of ${module} has the same name as that of ${known}`);
    this.imports.set(type, module);
    return type;
  }

  /** Names must lead somewhere, and a type must be said. */
  private checkNames(where: string, node: ts.Node, signature: ts.MethodSignature): void {
    const own = new Set((signature.typeParameters ?? []).map((parameter) => parameter.name.text));
    const visit = (child: ts.Node): void => {
      if (child.kind === ts.SyntaxKind.UnknownKeyword || child.kind === ts.SyntaxKind.AnyKeyword) {
        this.problems.push(
          `${where} is ${child.kind === ts.SyntaxKind.AnyKeyword ? 'any' : 'unknown'}; write its type`,
        );
      }
      if (ts.isTypeReferenceNode(child) && ts.isIdentifier(child.typeName)) {
        const { text } = child.typeName;
        if (!GLOBAL_TYPES.has(text) && !own.has(text))
          this.problems.push(`${where} has the type ${text}, which its module does not export`);
      }
      ts.forEachChild(child, visit);
    };
    visit(node);
  }

  private classMembers(): Set<string> {
    const { file, name } = this.request.class;
    const members = new Set<string>();
    for (const statement of this.program.getSourceFile(file)!.statements) {
      if (!ts.isClassDeclaration(statement) || statement.name?.text !== name) continue;
      for (const { name: member } of statement.members)
        if (member !== undefined && ts.isIdentifier(member)) members.add(member.text);
    }
    return members;
  }
}

function documentationOf(declaration: ts.Node | undefined): string {
  if (declaration === undefined) return '';
  const comments = ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc);
  return comments.at(-1)?.getText() ?? '';
}
