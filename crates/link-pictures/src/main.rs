//! `link-pictures [OPERATOR_FILE] FOLDER`: draws into FOLDER what chats show beside a link to a guest page, and the icon for a phone's
//! home screen. Without an operator file it draws what pages of the compiled-in defaults name.
//!
//! Exit codes: 0 when all are drawn, 2 when it was asked wrongly or a file cannot be read or written.

mod drawing;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use booking_webhook::{Operator, Renderer};

use crate::drawing::png;

const USAGE: &str = "usage: link-pictures [OPERATOR_FILE] FOLDER";

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let drawn = match &arguments[..] {
        [folder] => draw(None, folder),
        [operator_file, folder] => draw(Some(operator_file), folder),
        _ => Err(USAGE.into()),
    };
    match drawn {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            let _nobody_reads_it = writeln!(std::io::stderr().lock(), "{words}");
            ExitCode::from(2)
        }
    }
}

/// Draws every picture that pages of this operator may name, each under the name that pages know it by.
fn draw(operator_file: Option<&Path>, folder: &Path) -> Result<(), String> {
    let operator = operator_file.map(read).transpose()?.unwrap_or_default();
    let pictures = Renderer::default().link_pictures(&operator);
    fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    for picture in pictures.map_err(|error| error.to_string())? {
        let file = folder.join(picture.file_name());
        let drawn = png(picture.svg()).map_err(|error| format!("{} cannot be drawn: {error}", file.display()))?;
        fs::write(&file, drawn).map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<Operator, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Operator::parse(&text).map_err(|error| format!("{} is no operator file: {error}", file.display()))
}
