//! Enums that are lists: causes and reasons have a name each and a list of them all, which tests
//! and documents walk.

/// An enum of unit variants with a kebab-case name each, and the list of them all.
macro_rules! named {
    ($(#[$outer:meta])* $visibility:vis enum $type:ident { $($(#[$inner:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        $visibility enum $type { $($(#[$inner])* $variant,)* }

        impl $type {
            /// All of them, in the order of the flow.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name, as logs, tests and documents have it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

pub(crate) use named;
