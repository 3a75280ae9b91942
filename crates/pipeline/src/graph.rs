//! Tasks, their order, and what is wrong with them (node spec 4.1 to 4.3).

use crate::dot;
use crate::duration::parse_duration;
use crate::limits::ATTEMPTS_MAX;
use crate::parameter::Attributes;
use crate::source::{Diagnostic, Source};
use crate::task::Kind;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

/// Names one task of one graph: its place in the topological order, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TaskId(pub usize);

/// A checked task graph: at least one task, no cycle, every task with the inputs it needs.
#[derive(Clone, Debug)]
pub struct Graph {
    /// In topological order; among tasks that could change places, in the order of the text.
    tasks: Vec<Task>,
    by_name: BTreeMap<String, TaskId>,
    terminals: Vec<TaskId>,
}

/// One task of a graph.
#[derive(Clone, Debug)]
pub struct Task {
    pub name: String,
    /// As in the `type` attribute, in lower case.
    pub type_name: &'static str,
    /// The place among the inputs of the next task, or among the outputs of the run.
    pub index: Option<u32>,
    /// `Some(0)`: no limit, not even the default one of a request.
    pub timeout: Option<Duration>,
    /// An error here ends the run.
    pub fail_early: bool,
    /// How often the task is tried in all, at least once.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles with every further one, up to `backoff_max`.
    pub backoff_min: Duration,
    pub backoff_max: Duration,
    pub(crate) kind: Kind,
    /// Explicit predecessors in the order of their `index`; their results are the inputs.
    pub(crate) inputs: Vec<TaskId>,
    /// All tasks that must have finished before: the inputs and those that variables name.
    pub(crate) predecessors: BTreeSet<TaskId>,
}

impl Graph {
    /// Reads and checks a graph's text. The diagnostics beside it are warnings: things that have no effect and were
    /// probably meant to have one. Places count from the text's beginning.
    pub fn parse(text: &str) -> Result<(Graph, Vec<Diagnostic>), Diagnostic> {
        Graph::read(&Source::whole(text))
    }

    pub(crate) fn read(source: &Source) -> Result<(Graph, Vec<Diagnostic>), Diagnostic> {
        let document = dot::parse(source)?;
        if document.nodes.is_empty() {
            return Err(source.diagnostic(0, "graph", "there is no task in it", "write name [type=\"…\"]"));
        }
        // A name without a type is most often a typing error in an edge, and would make other tasks look wrong.
        let has_type =
            |node: &dot::Node| node.attributes.iter().any(|attribute| attribute.name.eq_ignore_ascii_case("type"));
        if let Some(node) = document.nodes.iter().find(|node| !has_type(node)) {
            let remedy = format!("write {} [type=\"…\"], or correct the name in the edges", node.name);
            return Err(source.diagnostic(node.at, node.name.clone(), "has no type", remedy));
        }
        let names: BTreeSet<&str> = document.nodes.iter().map(|node| node.name.as_str()).collect();
        let mut warnings = Vec::new();
        let mut drafts = Vec::new();
        for (node_index, node) in document.nodes.iter().enumerate() {
            if node.name == "input" {
                return Err(source.diagnostic(node.at, "input", "is a reserved name", "give the task another name"));
            }
            let inputs: Vec<usize> =
                document.edges.iter().filter(|(_, to)| *to == node_index).map(|(from, _)| *from).collect();
            let mut attributes = Attributes::new(source, node, inputs.len(), &names);
            let draft = Draft::read(&mut attributes, inputs)?;
            let (references, new_warnings) = attributes.finish();
            warnings.extend(new_warnings);
            let position = |name: &String| document.nodes.iter().position(|node| node.name == *name);
            let implicit: BTreeSet<usize> = references.iter().filter_map(position).collect();
            drafts.push(Draft { predecessors: draft.inputs.iter().copied().chain(implicit).collect(), ..draft });
        }
        check_indexes(source, &document, &drafts)?;
        let order = order(source, &document, &drafts)?;
        Ok((Graph::assemble(drafts, &order), warnings))
    }

    fn assemble(drafts: Vec<Draft>, order: &[usize]) -> Graph {
        let mut id_of = vec![TaskId(0); drafts.len()];
        for (id, draft) in order.iter().enumerate() {
            id_of[*draft] = TaskId(id);
        }
        let indexes: Vec<Option<u32>> = drafts.iter().map(|draft| draft.task.index).collect();
        let has_successor: BTreeSet<usize> =
            drafts.iter().flat_map(|draft| draft.predecessors.iter().copied()).collect();
        // Without an index comes first, then topological order.
        let by_index = |drafts: &mut Vec<usize>| drafts.sort_by_key(|draft| (indexes[*draft], id_of[*draft]));

        let mut terminals: Vec<usize> = (0..drafts.len()).filter(|draft| !has_successor.contains(draft)).collect();
        by_index(&mut terminals);
        let mut tasks: Vec<(TaskId, Task)> = Vec::new();
        for (draft_index, draft) in drafts.into_iter().enumerate() {
            let mut inputs = draft.inputs;
            by_index(&mut inputs);
            let inputs = inputs.into_iter().map(|input| id_of[input]).collect();
            let predecessors = draft.predecessors.into_iter().map(|predecessor| id_of[predecessor]).collect();
            tasks.push((id_of[draft_index], Task { inputs, predecessors, ..draft.task }));
        }
        tasks.sort_by_key(|(id, _)| *id);
        let by_name = tasks.iter().map(|(id, task)| (task.name.clone(), *id)).collect();
        let terminals = terminals.into_iter().map(|draft| id_of[draft]).collect();
        Graph { tasks: tasks.into_iter().map(|(_, task)| task).collect(), by_name, terminals }
    }

    /// All tasks in topological order.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The tasks that no other follows, in the order of their `index`: their values are the run's outputs.
    pub fn terminals(&self) -> &[TaskId] {
        &self.terminals
    }

    /// The names of all bridges, in lower case: they must be registered before a run.
    pub fn bridges(&self) -> BTreeSet<&str> {
        self.tasks
            .iter()
            .filter_map(|task| if let Kind::Bridge(bridge) = &task.kind { Some(bridge.name.as_str()) } else { None })
            .collect()
    }

    pub(crate) fn by_name(&self) -> &BTreeMap<String, TaskId> {
        &self.by_name
    }
}

/// A task whose neighbours are still numbers of the text's order.
struct Draft {
    task: Task,
    inputs: Vec<usize>,
    predecessors: BTreeSet<usize>,
}

impl Draft {
    fn read(attributes: &mut Attributes, inputs: Vec<usize>) -> Result<Draft, Diagnostic> {
        let (type_name, kind) = Kind::read(attributes)?;
        let duration = |text: &str| parse_duration(text).map_err(String::from);
        let timeout = attributes.literal("timeout", duration)?;
        let backoff_min = attributes.literal("minBackoff", duration)?.unwrap_or(Duration::from_secs(5));
        let backoff_max = attributes.literal("maxBackoff", duration)?.unwrap_or(Duration::from_secs(60));
        let attempts = attributes.unsigned("retries")?.unwrap_or(0);
        if attempts > ATTEMPTS_MAX {
            return Err(attributes.error(
                "retries",
                format!("more than {ATTEMPTS_MAX} attempts"),
                "write a smaller number",
            ));
        }
        let task = Task {
            name: attributes.task().into(),
            type_name,
            index: attributes.unsigned("index")?,
            timeout,
            fail_early: attributes.flag("failEarly")?.unwrap_or(false),
            attempts: attempts.max(1),
            backoff_min,
            backoff_max,
            kind,
            inputs: Vec::new(),
            predecessors: BTreeSet::new(),
        };
        Ok(Draft { task, inputs, predecessors: BTreeSet::new() })
    }
}

/// No two tasks may have the same `index`.
fn check_indexes(source: &Source, document: &dot::Document, drafts: &[Draft]) -> Result<(), Diagnostic> {
    let mut seen: BTreeMap<u32, &str> = BTreeMap::new();
    for (node, draft) in document.nodes.iter().zip(drafts) {
        let Some(index) = draft.task.index else { continue };
        if let Some(other) = seen.insert(index, &node.name) {
            let at =
                node.attributes.iter().rev().find(|a| a.name.eq_ignore_ascii_case("index")).map_or(node.at, |a| a.at);
            let problem = format!("{index} is also the index of `{other}`");
            return Err(source.diagnostic(at, format!("{}.index", node.name), problem, "give each task its own index"));
        }
    }
    Ok(())
}

/// The topological order, in which the text's order breaks ties.
fn order(source: &Source, document: &dot::Document, drafts: &[Draft]) -> Result<Vec<usize>, Diagnostic> {
    let mut waiting: Vec<usize> = drafts.iter().map(|draft| draft.predecessors.len()).collect();
    let mut ready: BTreeSet<usize> = (0..drafts.len()).filter(|draft| waiting[*draft] == 0).collect();
    let mut order = Vec::new();
    while let Some(done) = ready.pop_first() {
        order.push(done);
        for (next, draft) in drafts.iter().enumerate() {
            if draft.predecessors.contains(&done) {
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    ready.insert(next);
                }
            }
        }
    }
    if order.len() == drafts.len() {
        return Ok(order);
    }
    // Every task that is left has a predecessor that is left: walking back must come round.
    let mut walk: Vec<usize> = waiting.iter().position(|count| *count > 0).into_iter().collect();
    loop {
        let last = walk[walk.len() - 1];
        let Some(before) = drafts[last].predecessors.iter().copied().find(|draft| waiting[*draft] > 0) else {
            return Ok(order);
        };
        if let Some(start) = walk.iter().position(|draft| *draft == before) {
            let mut names: Vec<&str> =
                walk[start..].iter().rev().map(|draft| document.nodes[*draft].name.as_str()).collect();
            names.insert(0, names[names.len() - 1]);
            let node = &document.nodes[before];
            let problem = format!("tasks wait for each other: {}", names.join(" -> "));
            return Err(source.diagnostic(node.at, node.name.clone(), problem, "remove an edge or a variable"));
        }
        walk.push(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn graph(text: &str) -> Graph {
        Graph::parse(text).unwrap().0
    }

    fn names(graph: &Graph, ids: &[TaskId]) -> Vec<String> {
        ids.iter().map(|id| graph.tasks()[id.0].name.clone()).collect()
    }

    #[test]
    fn the_order_is_topological_and_else_that_of_the_text() {
        let graph = graph(
            "z [type=sum]; b [type=memo value=1]; a [type=memo value=<$(late)>]; late [type=memo value=2]
             a -> z; b -> z",
        );
        let order: Vec<&str> = graph.tasks().iter().map(|task| task.name.as_str()).collect();
        assert_eq!(order, ["b", "late", "a", "z"]);
        assert_eq!(names(&graph, graph.terminals()), ["z"]);
    }

    #[test]
    fn inputs_stand_in_the_order_of_their_index() {
        let graph = graph(
            "a [type=memo value=1 index=2] b [type=memo value=2] c [type=memo value=3 index=0] m [type=any]
             {a b c} -> m",
        );
        let m = graph.tasks().iter().find(|task| task.name == "m").unwrap();
        assert_eq!(names(&graph, &m.inputs), ["b", "c", "a"]);
    }

    #[test]
    fn an_error_names_the_place_the_task_and_the_remedy() {
        for (text, wanted) in [
            ("", "1:1: graph: there is no task in it; write name [type=\"…\"]"),
            (
                "a [type=memo value=1] a -> b",
                "1:28: b: has no type; write b [type=\"…\"], or correct the name in the edges",
            ),
            ("a [type=htp url=\"https://x\"]", "1:9: a.type: unknown task type `htp`; did you mean http?"),
            ("a [type=ethcall]", "1:9: a.type: task type `ethcall` is not available in this version; use another task"),
            ("input [type=any]", "1:1: input: is a reserved name; give the task another name"),
            (
                "a [type=memo] b [type=memo] c [type=memo]\n a -> b -> c -> a",
                "1:1: a: tasks wait for each other: a -> b -> c -> a; remove an edge or a variable",
            ),
            ("a [type=memo value=<[$(a)]>]", "1:1: a: tasks wait for each other: a -> a; remove an edge or a variable"),
            (
                "a [type=memo value=1 index=0] b [type=memo value=1 index=0]",
                "1:58: b.index: 0 is also the index of `a`; give each task its own index",
            ),
            ("a [type=memo value=1 index=-1]", "1:28: a.index: `-1` is not allowed; write an integer from 0"),
            (
                "a [type=memo value=<$(bb)>] b [type=memo value=1]",
                "1:20: a.value: $(bb): there is no task `bb`; did you mean $(b)?",
            ),
            (
                "a [type=memo value=<\"$(b)\">]",
                "1:20: a.value: a variable inside quotes is not replaced; remove the quotes around $(…)",
            ),
            (
                "a [type=http url=\"ftp://x\"]",
                "1:18: a.url: `ftp://x` does not begin with http:// or https://; write the whole URL, such as \"https://host/path\"",
            ),
            ("a [type=http]", "1:1: a.url: is missing; write url=\"https://…\""),
            (
                "a [type=http url=\"http://x\" timeout=\"5 s\"]",
                "1:37: a.timeout: `5 s` is not allowed; write a number with a unit, such as 300ms, 5s or 1h30m",
            ),
            (
                "a [type=multiply times=2]",
                "1:1: a.input: has no value: there is neither the attribute nor an input; write input=… or an edge to this task",
            ),
            (
                "a [type=memo value=1] b [type=multiply times=\"2x\"] a -> b",
                "1:46: b.times: `2x` is not allowed; write a number",
            ),
            (
                "a [type=bridge name=x async=true]",
                "1:29: a.async: an asynchronous bridge has no place in this job: an observation cannot wait for it; remove async",
            ),
        ] {
            assert_eq!(Graph::parse(text).unwrap_err().to_string(), wanted);
        }
    }

    #[test]
    fn what_has_no_effect_is_a_warning() {
        let (_, warnings) = Graph::parse("a [type=http url=\"https://x/$(b)\" time_out=\"1s\" color=red]").unwrap();
        let texts: Vec<String> = warnings.iter().map(|warning| warning.to_string()).collect();
        assert_eq!(
            texts,
            [
                "1:18: a.url: a variable inside other text is not replaced; let the variable be the whole value, or compute the text in a task before",
                "1:35: a.time_out: is an unknown attribute; did you mean timeout?",
                "1:49: a.color: is an unknown attribute; remove it",
            ]
        );
    }
}
