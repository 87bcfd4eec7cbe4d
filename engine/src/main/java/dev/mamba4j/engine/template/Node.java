package dev.mamba4j.engine.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A part of a template that writes text or changes what names mean. */
sealed interface Node {
  /** What comes after a node. */
  enum Then {
    NEXT,
    /** The end of the loop. */
    BREAK,
    /** The next element of the loop. */
    CONTINUE
  }

  Then run(Scope scope, Text.Builder out);

  /** Runs nodes in order, up to one that leaves the loop or its turn. */
  static Then run(List<Node> nodes, Scope scope, Text.Builder out) {
    for (Node node : nodes) {
      scope.budget().step();
      Then then = node.run(scope, out);
      if (then != Then.NEXT) {
        return then;
      }
    }
    return Then.NEXT;
  }

  /** A node that stands at a line. */
  record Placed(int line, Node node) implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      try {
        return node.run(scope, out);
      } catch (TemplateException e) {
        throw e.within(line);
      }
    }
  }

  /** Text of the template. */
  record Plain(Text text) implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      out.append(text);
      return Then.NEXT;
    }
  }

  /** <code>{{ value }}</code>. */
  record Output(Expression value) implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      out.append(PythonText.str(value.evaluate(scope), scope.budget()));
      return Then.NEXT;
    }
  }

  /** Nodes in the same scope. */
  record Block(List<Node> nodes) implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      return Node.run(nodes, scope, out);
    }
  }

  /** {@code if condition ... else ...}; {@code elif} is an {@code if} in the other branch. */
  record If(Expression condition, List<Node> then, List<Node> otherwise) implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      return Node.run(Values.truth(condition.evaluate(scope)) ? then : otherwise, scope, out);
    }
  }

  /** {@code for targets in elements if condition}; the condition is null if absent. */
  record For(
      List<String> targets,
      Expression elements,
      Expression condition,
      List<Node> body,
      List<Node> otherwise)
      implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      List<Object> all = chosen(scope);
      if (all.isEmpty()) {
        return Node.run(otherwise, scope.inner(), out);
      }
      for (int i = 0; i < all.size(); i++) {
        Scope inner = scope.inner();
        assign(targets, all.get(i), inner);
        inner.set("loop", new Loop(all, i));
        if (Node.run(body, inner, out) == Then.BREAK) {
          break;
        }
      }
      return Then.NEXT;
    }

    private List<Object> chosen(Scope scope) {
      List<Object> all = Values.elements(elements.evaluate(scope), scope.budget());
      if (condition == null) {
        return all;
      }
      List<Object> chosen = new ArrayList<>();
      for (Object element : all) {
        Scope inner = scope.inner();
        assign(targets, element, inner);
        if (Values.truth(condition.evaluate(inner))) {
          chosen.add(element);
        }
      }
      return chosen;
    }
  }

  /** One name takes the value, several its elements. */
  private static void assign(List<String> targets, Object value, Scope scope) {
    if (targets.size() == 1) {
      scope.set(targets.getFirst(), value);
      return;
    }
    List<Object> parts = Values.elements(value, scope.budget());
    if (parts.size() != targets.size()) {
      throw TemplateException.of(
          "expected %d values to unpack, found %d".formatted(targets.size(), parts.size()));
    }
    for (int i = 0; i < parts.size(); i++) {
      scope.set(targets.get(i), parts.get(i));
    }
  }

  /** {@code set targets = value}. */
  record Assignment(List<String> targets, Expression value) implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      assign(targets, value.evaluate(scope), scope);
      return Then.NEXT;
    }
  }

  /** {@code set namespace.name = value}. */
  record NamespaceAssignment(String namespace, String name, Expression value) implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      Object assigned = value.evaluate(scope);
      if (scope.get(namespace) instanceof Namespace(Map<String, Object> values)) {
        values.put(name, assigned);
        return Then.NEXT;
      }
      throw TemplateException.of("'" + namespace + "' is no namespace");
    }
  }

  /** {@code set name} ... {@code endset}: the text in between. */
  record TextAssignment(String name, List<Node> body) implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      Text.Builder text = new Text.Builder(scope.budget());
      Node.run(body, scope.inner(), text);
      scope.set(name, text.toText());
      return Then.NEXT;
    }
  }

  /** {@code macro name(parameters)}; a parameter without a default has null. */
  record Macro(String name, Map<String, Expression> parameters, List<Node> body) implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      scope.set(name, (Function) (given, budget) -> call(scope, given, budget));
      return Then.NEXT;
    }

    private Text call(Scope outer, Arguments given, Budget budget) {
      budget.enter();
      Scope scope = outer.inner();
      int position = 0;
      for (Map.Entry<String, Expression> parameter : parameters.entrySet()) {
        String known = parameter.getKey();
        if (given.has(position, known)) {
          scope.set(known, given.get(position, known));
        } else {
          Expression otherwise = parameter.getValue();
          scope.set(known, otherwise == null ? new Undefined(known) : otherwise.evaluate(scope));
        }
        position++;
      }
      Text.Builder text = new Text.Builder(budget);
      Node.run(body, scope, text);
      budget.leave();
      return text.toText();
    }
  }

  /** {@code break} or {@code continue}. */
  record Leave(Then then) implements Node {
    @Override
    public Then run(Scope scope, Text.Builder out) {
      return then;
    }
  }
}
