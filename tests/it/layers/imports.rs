//! Which file of a crate imports which: what the sentence "imports run one way" is checked against.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, Item, ItemUse, Meta, UseTree, Visibility,
    visit::{self, Visit},
};

/// A module by its names from the root of the crate, `["ledger", "claim"]`. The root itself has none.
pub(super) type Module = Vec<String>;

/// What one file says about others.
#[derive(Default)]
struct Source {
    /// Whole paths from the root of the crate, down to the item.
    imports: BTreeSet<Module>,
    /// The name of an item that comes from elsewhere, and the whole path that it stands for.
    known_as: BTreeMap<String, Module>,
}

/// The files of one crate, by module; code that only tests see is left out.
pub(super) struct Crate(BTreeMap<Module, Source>);

impl Crate {
    /// Reads every file below `folder`, binaries and files of tests apart.
    pub(super) fn read(folder: &Path) -> Self {
        let files = rust_files(folder).into_iter().filter_map(|path| {
            let module = module_of(path.strip_prefix(folder).expect("it lies below the folder"))?;
            Some((module, fs::read_to_string(&path).expect("a readable file")))
        });
        Self::of(files)
    }

    /// The crate of these modules and what their files say.
    pub(super) fn of(files: impl IntoIterator<Item = (Module, String)>) -> Self {
        let files: Vec<_> = files.into_iter().collect();
        let names: BTreeSet<Module> = files.iter().map(|(module, _)| module.clone()).collect();
        let sources = files.into_iter().map(|(module, text)| {
            let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", module.join("::")));
            let mut reader = Reader { at: module.clone(), names: &names, source: Source::default() };
            reader.visit_file(&file);
            (module, reader.source)
        });
        Self(sources.collect())
    }

    pub(super) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.0.keys()
    }

    /// The files that the file of `module` imports from, itself left out. What a module only hands on counts where it is defined.
    pub(super) fn imports_of(&self, module: &Module) -> BTreeSet<Module> {
        let defined = self.0[module].imports.iter().map(|path| self.defined_in(path));
        defined.filter(|imported| imported != module && !imported.is_empty()).collect()
    }

    /// The file that defines the item at `path`, through however many re-exports.
    fn defined_in(&self, path: &Module) -> Module {
        let (mut path, mut seen) = (path.clone(), BTreeSet::new());
        loop {
            let depth = (0..=path.len()).rev().find(|&depth| self.0.contains_key(&path[..depth])).unwrap_or_default();
            let module = path[..depth].to_vec();
            let elsewhere = path.get(depth).and_then(|item| self.0.get(&module)?.known_as.get(item));
            match elsewhere {
                Some(elsewhere) if seen.insert(path.clone()) => {
                    path = elsewhere.iter().chain(&path[depth + 1..]).cloned().collect();
                }
                _ => return module,
            }
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The module of a file, by its path below `src`. None for binaries and for files of tests.
fn module_of(path: &Path) -> Option<Module> {
    let mut module: Module = path.with_extension("").iter().map(|name| name.to_string_lossy().into_owned()).collect();
    match (module.first()?.as_str(), module.last()?.as_str()) {
        ("bin", _) | (_, "tests") => return None,
        (_, "mod" | "lib") => module.pop(),
        _ => None,
    };
    Some(module)
}

struct Reader<'a> {
    /// The module whose items are being read.
    at: Module,
    names: &'a BTreeSet<Module>,
    source: Source,
}

impl Reader<'_> {
    /// The whole path of what is called `segments` here, if it begins in this crate.
    fn resolve(&self, segments: &[String]) -> Option<Module> {
        let (first, rest) = segments.split_first()?;
        let child: Module = self.at.iter().chain([first]).cloned().collect();
        let mut path = match first.as_str() {
            "crate" => Module::new(),
            "self" => self.at.clone(),
            "super" => self.at[..self.at.len().checked_sub(1)?].to_vec(),
            _ if self.names.contains(&child) => child,
            _ => return None,
        };
        for name in rest {
            match name.as_str() {
                "super" => drop(path.pop()),
                name => path.push(name.to_owned()),
            }
        }
        Some(path)
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes(item).iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.at.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.at.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for (segments, name) in leaves(&item.tree, Vec::new()) {
            let Some(path) = self.resolve(&segments) else { continue };
            // Files of the same folder see what this one imports under its name, public or not.
            self.source.known_as.insert(name, path.clone());
            // The face of a folder hands its own files on: that is no import.
            let hands_on = !matches!(item.vis, Visibility::Inherited) && path.starts_with(&self.at);
            if !hands_on {
                self.source.imports.insert(path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.source.imports.extend(self.resolve(&segments));
        }
        visit::visit_path(self, path);
    }
}

/// Every path that a `use` names, with the name by which it is known here.
fn leaves(tree: &UseTree, above: Vec<String>) -> Vec<(Vec<String>, String)> {
    let under = |name: &syn::Ident| above.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, under(&path.ident)),
        UseTree::Name(name) if name.ident == "self" => {
            let known_as = above.last().cloned().unwrap_or_default();
            vec![(above, known_as)]
        }
        UseTree::Name(name) => vec![(under(&name.ident), name.ident.to_string())],
        UseTree::Rename(rename) => vec![(under(&rename.ident), rename.rename.to_string())],
        UseTree::Glob(_) => vec![(above, "*".to_owned())],
        UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, above.clone())).collect(),
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}
